// The trombinoscope, quicker: results while typing.  It asks for the page that the form would show, and takes its results.
const form = document.getElementById("find-form");
const pause = 350;
let waiting = 0;
let asked = null;

async function ask() {
  asked?.abort();
  asked = new AbortController();
  const address = new URL(form.action);
  for (const [name, value] of new FormData(form)) if (value) address.searchParams.set(name, value);
  try {
    const answer = await fetch(address, { signal: asked.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const results = page.getElementById("results");
    // Signed out meanwhile, or over the limit of the day: the whole page says so.
    if (!results) return location.assign(address);
    document.getElementById("results").replaceWith(results);
    // What is replaced is not read out; this stays, and is.
    document.getElementById("told").textContent = results.querySelector("#found")?.firstChild.textContent.trim() ?? "";
    history.replaceState(null, "", address);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

form.addEventListener("input", (event) => {
  // Half the name of a town is no town: towns.js says when one is chosen, and the browser when the field is left.
  if (event.isTrusted && event.target.dataset.towns) return;
  clearTimeout(waiting);
  const word = form.elements.q.value.trim();
  if (word.length === 1) return;
  waiting = setTimeout(ask, pause);
});
form.addEventListener("change", (event) => {
  if (event.target.dataset.towns) ask();
});
