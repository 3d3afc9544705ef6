// What is new is asked for now and then and put in on a click, what has changed at once, without moving what is being read;
// Back finds the place again.
const EVERY = 30000; // ms
let asked = Date.now();

// How a post is shown, as the server would say it now: number, version, likes, answers.
const state = (post) => `${post.id.slice(5)}.${post.dataset.post}.${post.querySelector("[data-counts]").dataset.counts}`;
function inSight() {
  const near = ({ top, bottom }) => bottom > -innerHeight && top < 2 * innerHeight;
  return [...document.querySelectorAll("[data-post]")].filter((post) => near(post.getBoundingClientRect())).slice(0, 60);
}

// The controls of a member are not replaced by a stranger's, should the session have ended.
const morph = (old, fresh) => old?.tagName === fresh?.tagName && htmx.swap({ sourceElement: old, target: old, text: fresh.outerHTML, swap: "outerMorph" });
function put(fresh, was) {
  const post = document.getElementById(fresh.id);
  // Being edited, with a menu open, or changed since it was asked: not now.
  if (!post || !was.has(fresh.id) || was.get(fresh.id) !== (post.dataset.post && state(post)) || post.querySelector("[open], .htmx-request")) return;
  if (fresh.dataset.post) {
    post.dataset.post = fresh.dataset.post;
    for (const part of [".post__head", ".post__text", ".post__actions"]) morph(post.querySelector(part), fresh.querySelector(part));
  } else if (![...post.querySelectorAll("textarea")].some(({ value }) => value)) post.replaceWith(fresh);
}

// What was said meanwhile; not where more is to be loaded first, nor what stands here already.
function putBelow(said) {
  const list = document.querySelector(`.answers #${said.parentElement.dataset.below}`);
  if (!list || list.querySelector(":scope > .branch__more, :scope > .timeline__older") || document.getElementById(said.querySelector(".post").id)) return;
  list.append(said);
  htmx.process(said);
}

async function ask() {
  const pill = document.querySelector("[data-newer]");
  if (!pill || document.hidden || !navigator.onLine || !globalThis.htmx) return;
  asked = Date.now();
  const address = new URL(pill.dataset.newer, location);
  const was = new Map(inSight().map((post) => [post.id, state(post)]));
  address.searchParams.set("seen", [...was.values()].join("_"));
  try {
    const response = await fetch(address, { headers: { "HX-Request": "true", "HX-Request-Type": "partial" } });
    if (response.status !== 200 || !response.headers.has("X-Microblog")) return;
    const answer = Object.assign(document.createElement("template"), { innerHTML: await response.text() });
    const fresh = answer.content.querySelector("[data-newer]");
    if (!fresh || !pill.isConnected) return;
    pill.dataset.newer = fresh.dataset.newer;
    if (pill.textContent.trim() !== fresh.textContent.trim()) pill.replaceChildren(...fresh.childNodes); // in its place, or nobody would hear of it
    htmx.process(pill);
    const at = scrollY > 10 && place();
    for (const said of answer.content.querySelectorAll("[data-below] > .said")) putBelow(said);
    for (const post of answer.content.querySelectorAll(".post")) put(post, was);
    if (at) restore(at);
  } catch {
    // Not to be had at the moment; nobody asked for it, so nobody is told.
  }
}
setInterval(ask, EVERY);
document.addEventListener("look", ask); // whatever has a reason to
document.addEventListener("visibilitychange", () => Date.now() - asked > EVERY && ask());

// The post at the top of the window, and how far from it.
function place() {
  const post = [...document.querySelectorAll("[data-post]")].find((one) => one.getBoundingClientRect().bottom > 0);
  return post && { id: post.id, top: post.getBoundingClientRect().top };
}
function restore({ id, top }) {
  const post = document.getElementById(id);
  if (post) scrollBy({ top: post.getBoundingClientRect().top - top, behavior: "instant" });
}

// At home, what was written here meanwhile stands among the new posts, by its number, as after a reload.
function mix(fragment) {
  const number = ({ id }) => Number(id.slice(5));
  const fresh = [...fragment.querySelectorAll("[data-post]")];
  for (let own; (own = document.querySelector("#composer ~ #timeline > .post:first-child")) && number(own) > number(fresh.at(-1)); ) {
    fresh.find((post) => number(post) < number(own)).before(own);
  }
}

const before = new WeakMap();
document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  if (!ctx.sourceElement?.matches?.("[data-take]")) return;
  before.set(ctx, scrollY > 10 ? place() : null);
  if (tasks[0]?.target.id === "timeline") mix(tasks[0].fragment);
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!before.has(ctx)) return;
  const was = before.get(ctx);
  before.delete(ctx);
  if (was) restore(was);
  document.querySelector("#timeline > [data-post]")?.focus({ preventScroll: true });
});

// The page that one comes back to is drawn afresh, with as much loaded as there was (`?show=`): back to the very post.
addEventListener("pagehide", () => {
  const at = scrollY > 10 && place();
  if (at) history.replaceState({ ...history.state, place: at }, "");
});
const how = performance.getEntriesByType("navigation")[0]?.type;
if (how === "back_forward" && history.state?.place) {
  restore(history.state.place);
  addEventListener("load", () => restore(history.state?.place ?? {}), { once: true });
}

// "5 min" grows old.
const STEPS = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [604800, 86400, "d"]];
setInterval(() => {
  if (document.hidden) return;
  for (const time of document.querySelectorAll(".post__time time")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const step = STEPS.find(([limit]) => seconds < limit);
    if (step && seconds >= 5) time.textContent = `${Math.floor(seconds / step[1])} ${step[2]}`;
  }
}, 60000);
