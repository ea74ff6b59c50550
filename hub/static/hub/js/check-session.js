// OpenID Connect Session Management §3.2: a tool's page sends "client_id session_state"; it hears whether the
// session is still the one it knows.  The state is told by the hub in a cookie, and recomputed for the asker's origin.
async function browserState() {
  const cookie = document.cookie.match(/(?:^|;\s*)trousseau_state=([^;]*)/);
  if (cookie) return cookie[1];
  // A browser that hides cookies from frames looks like one with nobody signed in: better no answer than a wrong one,
  // which would send the tool to sign in again and again.
  const allowed = await document.hasStorageAccess?.();
  return allowed === false ? null : document.documentElement.dataset.nobody;
}

async function answer(message, origin) {
  const [client, state, ...more] = typeof message === "string" ? message.split(" ") : [];
  const [hash, salt, ...rest] = state?.split(".") ?? [];
  if (!client || !hash || !salt || more.length || rest.length) return "error";
  const browser = await browserState();
  if (browser === null) return "error";
  const text = new TextEncoder().encode([client, origin, browser, salt].join(" "));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  const expected = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return expected === hash ? "unchanged" : "changed";
}

addEventListener("message", async (event) => {
  // A page without an origin of its own could not be answered to itself alone.
  if (event.source === null || event.source === window || event.origin === "null") return;
  const said = await answer(event.data, event.origin).catch(() => "error");
  event.source.postMessage(said, event.origin);
});
