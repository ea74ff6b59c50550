// The photo as it will be cropped, before it is sent: the square that directory/pictures.py will keep.
const file = document.getElementById("id_photo");
const ways = ["photo_along", "photo_share"].map((name) => document.getElementById(`id_${name}`));
const shown = document.getElementById("photo-try");
const canvas = shown?.querySelector("canvas");
let picture = null;

function draw() {
  const [along, share] = ways.map((way) => Number(way.value || way.dataset.usual));
  const short = Math.min(picture.width, picture.height);
  const side = Math.max(1, Math.round(short * share));
  const across = Math.floor((short - side) / 2);
  const away = Math.round((Math.max(picture.width, picture.height) - side) * along);
  const [left, top] = picture.width > picture.height ? [away, across] : [across, away];
  const pen = canvas.getContext("2d");
  // What is clear is white, as it will be kept.
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, left, top, side, side, 0, 0, canvas.width, canvas.height);
}

async function choose() {
  picture?.close();
  picture = null;
  const chosen = file.files[0];
  // What cannot be read here, the server says.
  if (chosen) picture = await createImageBitmap(chosen).catch(() => null);
  shown.hidden = !picture;
  if (picture) draw();
}

if (shown) {
  file.addEventListener("change", choose);
  for (const way of ways) way.addEventListener("change", () => picture && draw());
}
