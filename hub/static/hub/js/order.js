// One's own order, by dragging the grip of a line; the buttons beside it do the same without scripts.
const form = document.getElementById("order-form");
const said = document.getElementById("order-said");

async function keep() {
  form.elements.order.value = [...document.querySelectorAll("[data-slug]")].map((line) => line.dataset.slug).join(",");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    if (!answer.ok) throw new Error();
    said.textContent = "";
    said.textContent = said.dataset.said;
    refresh();
  } catch {
    // The page that comes back says what is wrong, or asks to sign in again.
    form.submit();
  }
}

// The first line goes no further up, the last no further down.
function refresh() {
  for (const list of document.querySelectorAll("[data-order]")) {
    for (const line of list.children) {
      line.querySelector("[value=up]").disabled = line === list.firstElementChild;
      line.querySelector("[value=down]").disabled = line === list.lastElementChild;
    }
  }
}

function drag(event) {
  const line = event.target.closest("[data-slug]");
  const before = line.nextElementSibling;
  event.preventDefault();
  event.target.setPointerCapture(event.pointerId);
  line.classList.add("is-dragged");
  const move = (at) => {
    for (const other of line.parentElement.children) {
      const box = other.getBoundingClientRect();
      if (other === line || at.clientY < box.top || at.clientY > box.bottom) continue;
      const down = line.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
      // Past the middle only: lines of two heights would change places for ever.
      // The others make way: a line that is moved itself lets go of the pointer.
      if (down && at.clientY > box.top + box.height / 2) line.before(other);
      else if (!down && at.clientY < box.top + box.height / 2) line.after(other);
    }
  };
  const end = () => {
    line.classList.remove("is-dragged");
    event.target.removeEventListener("pointermove", move);
    if (line.nextElementSibling !== before) keep();
  };
  event.target.addEventListener("pointermove", move);
  event.target.addEventListener("lostpointercapture", end, { once: true });
}

for (const grip of document.querySelectorAll("[data-grip]")) {
  grip.addEventListener("pointerdown", drag);
}
