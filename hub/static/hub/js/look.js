// The two colours as they are chosen: the server makes the shades and measures them, this shows them.
const form = document.getElementById("look-form");
const part = document.getElementById("try");
const sheet = document.getElementById("try-style");
const fields = ["accent", "second"].map((name) => form.elements[name]);
let waits = 0;

async function show() {
  const query = new URLSearchParams(fields.map((field) => [field.name, field.value]));
  const open = part.querySelector("details")?.open;
  const answer = await fetch(`${part.dataset.address}?${query}`);
  if (!answer.ok) return;
  part.innerHTML = await answer.text();
  part.querySelector("details").open = Boolean(open);
  sheet.href = `${sheet.href.split("?")[0]}?${query}`;
}

for (const field of fields) {
  field.addEventListener("input", () => {
    clearTimeout(waits);
    waits = setTimeout(show, 150);
  });
}
form.querySelector("[data-try]").hidden = true;
