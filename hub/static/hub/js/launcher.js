// The page of tools, quicker: filter while typing, `/` to search, arrows to move, `?` for help.  All works without.
const search = document.getElementById("search");
const found = document.getElementById("found");
const nothing = document.getElementById("nothing-found");
const shelves = [...document.querySelectorAll("[data-shelf]")];
const idle = [...document.querySelectorAll("[data-idle]")];
const tiles = [...document.querySelectorAll("[data-search]")];
const ligatures = { œ: "oe", æ: "ae", ß: "ss", ø: "o", "’": " ", "'": " ", "-": " " };

// As launcher/cards.py folds the tools' words.
function folded(text) {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[œæßø’'-]/g, (sign) => ligatures[sign]).trim();
}

function filter() {
  const words = folded(search.value).split(/\s+/).filter(Boolean).map((word) => word.replace(/(?<=...)[sx]$/, ""));
  let count = 0;
  for (const tile of tiles) {
    tile.hidden = !words.every((word) => tile.dataset.search.includes(word));
    if (!tile.hidden) count += 1;
  }
  for (const shelf of shelves) shelf.hidden = !shelf.querySelector("[data-search]:not([hidden])");
  for (const section of idle) section.hidden = words.length > 0;
  nothing.hidden = count > 0;
  const sentence = count === 0 ? found.dataset.none : count === 1 ? found.dataset.one : found.dataset.many;
  found.textContent = words.length ? sentence.replace("#", count) : "";
}

function links() {
  return [...document.querySelectorAll(".tile__link, .recent")].filter((link) => link.checkVisibility());
}

// The nearest tile in the direction of the arrow, by what is on screen.
function neighbour(from, key) {
  const here = from.getBoundingClientRect();
  const x = here.left + here.width / 2;
  const y = here.top + here.height / 2;
  const flat = key === "ArrowLeft" || key === "ArrowRight";
  const sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  let best = null;
  let least = Infinity;
  for (const link of links()) {
    const box = link.getBoundingClientRect();
    const across = box.left + box.width / 2 - x;
    const down = box.top + box.height / 2 - y;
    const along = sign * (flat ? across : down);
    const aside = Math.abs(flat ? down : across);
    if (link === from || along < 8 || (flat && aside > 24)) continue;
    if (along + aside * 2 < least) {
      least = along + aside * 2;
      best = link;
    }
  }
  return best;
}

// The server's answer shows on pages that came with ?q=; from there on a search starts from all tools again.
if (search && !search.value) {
  search.addEventListener("input", filter);
  search.form.addEventListener("submit", (event) => {
    event.preventDefault();
    filter();
    const shown = tiles.filter((tile) => !tile.hidden).map((tile) => tile.querySelector("a"));
    if (search.value.trim() && shown.length === 1) location.assign(shown[0].href);
    else shown[0]?.focus();
  });
  document.getElementById("clear-search")?.addEventListener("click", (event) => {
    event.preventDefault();
    search.value = "";
    filter();
    search.focus();
  });
  // Back from a tool, the browser may bring the typed words back after this has run.
  addEventListener("pageshow", filter);
}

// WCAG 2.1.4: whoever switched them off has no key that acts by itself.
const keys = document.getElementById("keys");
const oneKey = "oneKey" in (keys?.dataset ?? {});
document.querySelector(".finder kbd")?.removeAttribute("hidden");
document.addEventListener("keydown", (event) => {
  if (!search || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, textarea, select");
  if (oneKey && event.key === "?" && !typing) {
    if (!keys.open) keys.showModal();
  } else if (oneKey && event.key === "/" && !typing) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && event.target === search && search.value && !new URLSearchParams(location.search).has("q")) {
    search.value = "";
    filter();
  } else if (event.key.startsWith("Arrow")) {
    const down = event.target === search && event.key === "ArrowDown";
    const link = event.target.closest?.(".tile__link, .recent");
    const next = down ? links()[0] : link && neighbour(link, event.key);
    if (next) {
      event.preventDefault();
      next.focus();
    } else if (link && event.key === "ArrowUp") {
      event.preventDefault();
      search.focus();
    }
  }
});
