// The tools' own sign-out pages load out of sight; then the browser goes back to the tool that asked.
const onward = document.querySelector("[data-automatic]");
const LIMIT_MS = 5000;

if (onward) {
  const go = () => location.replace(onward.href);
  // The frames hold back the page's load event: a tool that is slow is waited for, one that is silent is not.
  if (document.readyState === "complete") go();
  else addEventListener("load", go, { once: true });
  setTimeout(go, LIMIT_MS);
}
