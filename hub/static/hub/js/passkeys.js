// Passkeys: the browser is asked, its answer goes into the form's hidden field, and the form is posted as any other.
// A form says what it is for by data-passkey: "add", "use" (options in data-options) or "enter" (options fetched anew).

// Challenges are good for ten minutes; the list of names waits for an answer as long as the page is open.
const RENEWED_AFTER = 5 * 60 * 1000;

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// Browsers that speak JSON themselves do; the others are read for.
function toCreate(options) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const excludeCredentials = (options.excludeCredentials ?? []).map((each) => ({ ...each, id: bytes(each.id) }));
  const user = { ...options.user, id: bytes(options.user.id) };
  return { ...options, user, challenge: bytes(options.challenge), excludeCredentials };
}
function toUse(options) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const allowCredentials = (options.allowCredentials ?? []).map((each) => ({ ...each, id: bytes(each.id) }));
  return { ...options, challenge: bytes(options.challenge), allowCredentials };
}
function toText(credential) {
  // Some programs that keep passkeys answer with less than a credential: their fields are read one by one.
  const { id, rawId, type, response } = credential;
  const given = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) given[name] = text(response[name]);
  }
  if (response.getTransports) given.transports = response.getTransports();
  return JSON.stringify({ id, rawId: text(rawId), type, response: given });
}

class PasskeyForm {
  constructor(form) {
    this.form = form;
    this.button = form.querySelector("[data-passkey-button]");
    this.said = form.querySelector("[data-passkey-said]");
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.ask());
  }

  async options(signal) {
    if (this.form.dataset.options) return JSON.parse(this.form.dataset.options);
    const answer = await fetch(this.form.dataset.optionsUrl, { method: "POST", body: new FormData(this.form), signal });
    if (!answer.ok) throw new DOMException(answer.statusText, "NetworkError");
    return answer.json();
  }

  async ask() {
    this.asking = true;
    this.say("");
    this.button.disabled = true;
    // One request at a time: what the list of names waits for has to be over first.
    this.waiting?.abort();
    await this.offered;
    try {
      const options = await this.options();
      const credential =
        this.form.dataset.passkey === "add"
          ? await navigator.credentials.create({ publicKey: toCreate(options) })
          : await navigator.credentials.get({ publicKey: toUse(options) });
      this.send(credential);
    } catch (error) {
      this.asking = false;
      this.button.disabled = false;
      this.say(this.words(error));
      this.offer();
    }
  }

  offer() {
    if (this.form.dataset.passkey === "enter") this.offered = this.wait();
  }

  // Passkeys in the browser's list of names, beside the form with the password.
  async wait() {
    const waiting = (this.waiting = new AbortController());
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    const renew = setTimeout(() => {
      waiting.abort();
      this.offered.then(() => this.asking || this.offer());
    }, RENEWED_AFTER);
    try {
      const publicKey = toUse(await this.options(waiting.signal));
      if (waiting.signal.aborted) return;
      this.send(await navigator.credentials.get({ publicKey, mediation: "conditional", signal: waiting.signal }));
    } catch {
      // Nobody asked for anything yet: the other ways on the page are as they were.
    } finally {
      clearTimeout(renew);
    }
  }

  send(credential) {
    this.form.elements.credential.value = toText(credential);
    this.form.requestSubmit();
  }

  words(error) {
    const words = this.said.dataset;
    if (error.name === "InvalidStateError") return words.known ?? words.failed;
    if (error.name === "NotAllowedError" || error.name === "AbortError") return words.cancelled;
    if (error.name === "SecurityError" || error.name === "NotSupportedError") return words.unsupported;
    return words.failed;
  }

  say(sentence) {
    this.said.textContent = sentence;
    this.said.hidden = !sentence;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (window.PublicKeyCredential) {
    const passkey = new PasskeyForm(form);
    passkey.offer();
    // Whoever types a password has chosen: the browser must not go on waiting for a passkey, nor for the options of one.
    // They belong to a session of nobody: its cookie, arriving after the sign-in's, would replace it.
    document.getElementById("sign-in-form")?.addEventListener("submit", () => passkey.waiting?.abort());
  } else {
    const said = form.querySelector("[data-passkey-said]");
    said.textContent = said.dataset.unsupported;
    said.hidden = form.dataset.passkey === "enter";
  }
}
