// How long the new password is, and a proposed one by a click; the form works without.
for (const told of document.querySelectorAll("[data-count]")) {
  const input = document.getElementById(told.dataset.count);
  const minimum = Number(told.dataset.minimum);
  const rule = told.textContent;
  input.addEventListener("input", () => {
    // A code point counts as one, as the hub counts.
    const left = minimum - [...input.value].length;
    told.textContent = !input.value ? rule : left > 0 ? `${told.dataset.short} ${left}` : told.dataset.enough;
  });
}
for (const button of document.querySelectorAll("[data-fill]")) {
  const input = document.getElementById(button.dataset.fill);
  button.hidden = false;
  button.addEventListener("click", () => {
    input.value = document.getElementById(button.dataset.from).textContent.trim();
    input.type = "text";
    input.dispatchEvent(new Event("input"));
    input.focus();
  });
}
