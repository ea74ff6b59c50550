{% autoescape off %}// Keeps the page that is shown without a network, and the files it needs.  Pages of members never come in here.
const CACHE = "trousseau-{{ version }}";
const KEPT = {{ kept }};
const OFFLINE = KEPT[0];

addEventListener("install", (event) => {
  // Without cookies: what is kept was made for nobody.
  const files = KEPT.map((path) => new Request(path, { credentials: "omit" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(files)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const others = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(others));
});

addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  // What tools ask goes its own way.
  if (event.request.method !== "GET" || pathname.startsWith("/oidc/")) return;
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match(OFFLINE)));
  } else if (KEPT.includes(pathname)) {
    event.respondWith(fetch(event.request).catch(() => caches.match(pathname)));
  }
});
{% endautoescape %}
