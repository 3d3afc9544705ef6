// A list that is loaded on by a button: whoever comes Back finds as much of it loaded, and their place in it.
const MORE = ".more a";
const asked = new WeakSet(); // requests for more
let loaded = 0;
document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => ctx.sourceElement?.matches?.(MORE) && ctx.response.status === 200 && asked.add(ctx));
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => asked.has(ctx) && (loaded += 1));
addEventListener("pagehide", () => loaded && history.replaceState({ ...history.state, list: { loaded, top: scrollY } }, ""));

/** One more page; false where it cannot be had. */
const load = (link) => new Promise((done) => {
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => setTimeout(() => done(asked.has(ctx))), { once: true });
  link.click();
});

async function bringBack({ loaded: wanted, top }) {
  let moved = false; // by the reader, who is not to be moved then
  for (const type of ["wheel", "touchstart", "keydown", "pointerdown"]) addEventListener(type, () => (moved = true), { once: true, passive: true });
  for (let link; loaded < wanted && (link = document.querySelector(MORE)); ) if (!(await load(link))) return;
  if (!moved) scrollTo({ top, behavior: "instant" });
}
const list = performance.getEntriesByType("navigation")[0]?.type === "back_forward" && history.state?.list;
if (list) document.readyState === "complete" ? bringBack(list) : addEventListener("load", () => bringBack(list), { once: true });
