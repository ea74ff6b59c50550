// Towns, proposed while one is typed: a combobox as the ARIA Authoring Practices have it (editable, with a list).
// Nothing is chosen for anybody: whatever is typed stays, and the form takes it as it does without this.
const pause = 150;

for (const [number, field] of [...document.querySelectorAll("[data-towns]")].entries()) {
  const list = document.createElement("ul");
  const told = document.createElement("p");
  const around = document.createElement("span");
  list.id = `towns-${number}`;
  list.className = "suggest__list";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.labels[0]?.textContent ?? "");
  told.className = "visually-hidden";
  told.setAttribute("role", "status");
  around.className = "suggest";
  field.before(around);
  around.append(field, list, told);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) field.setAttribute(name, value);

  let waiting = 0;
  let asked = null;
  const chosen = () => list.querySelector("[aria-selected=true]");

  function close() {
    clearTimeout(waiting);
    asked?.abort();
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function point(option) {
    chosen()?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function take(option) {
    field.value = option.textContent;
    close();
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  async function propose() {
    asked?.abort();
    asked = new AbortController();
    const typed = field.value.trim();
    if (typed.length < 2) return close();
    const address = new URL(field.dataset.towns, location.href);
    address.searchParams.set("debut", typed);
    try {
      const answer = await fetch(address, { signal: asked.signal });
      // Signed out meanwhile: the form will say so.
      if (!answer.ok || answer.redirected) return close();
      const { towns, told: said } = await answer.json();
      list.replaceChildren(...towns.map((town, place) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${place}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.textContent = town;
        return option;
      }));
      told.textContent = said;
      field.removeAttribute("aria-activedescendant");
      list.hidden = towns.length === 0;
      field.setAttribute("aria-expanded", String(towns.length > 0));
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(propose, pause);
  });
  field.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const options = [...list.children];
    const place = options.indexOf(chosen());
    if (event.key === "ArrowDown") point(options[(place + 1) % options.length]);
    else if (event.key === "ArrowUp") point(options[place > 0 ? place - 1 : options.length - 1]);
    else if (event.key === "Enter" && chosen()) take(chosen());
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  // Before the field is left: it stays where one types.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  field.addEventListener("blur", close);
}
