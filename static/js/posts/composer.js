// Writing: the counter, Ctrl+Enter, and where the focus goes when it is sent.

// Counted as a person counts, and as the server does (microblog/models/graphemes.py): 👩‍🚀 is one.
const segmenter = globalThis.Intl?.Segmenter && new Intl.Segmenter("en", { granularity: "grapheme" });
const length = (text) => (segmenter && /[^\x20-\x7e\n]/.test(text) ? [...segmenter.segment(text)].length : [...text].length);
// What the server makes of it before it counts.
const asSaved = (text) => text.replace(/\r\n?/g, "\n").trim().replace(/[^\S\n]*\n(?:[^\S\n]*\n){2,}/g, "\n\n");

function count(counter) {
  const text = document.getElementById(counter.dataset.characters);
  if (!text) return;
  const left = counter.dataset.limit - length(asSaved(text.value));
  counter.textContent = text.value ? left : "";
  counter.classList.toggle("is-near", left >= 0 && left <= 20);
  counter.classList.toggle("is-over", left < 0);
}
const look = () => document.querySelectorAll("[data-characters]").forEach(count);
document.addEventListener("input", ({ target }) => document.querySelectorAll(`[data-characters="${target.id}"]`).forEach(count));
document.addEventListener("htmx:after:swap", look);
look();

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const form = event.target.closest?.(".composer");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector(".button--primary"));
});

// The place for an answer folds away, its page is left; what was typed has its copy, and is there again when it opens.
function fold(form) {
  const post = form.closest(".post");
  if (!post) return location.assign(form.getAttribute("action").replace(/\/reply$/, ""));
  form.remove();
  post.querySelector(".act--reply")?.focus();
}
document.addEventListener("click", ({ target }) => {
  const folding = target.closest("[data-fold]")?.closest(".composer");
  if (folding) fold(folding);
});
document.addEventListener("keydown", (event) => {
  const form = event.key === "Escape" && !event.isComposing && event.target.closest?.(":not(.thread--here) > .post > .post__answer > .composer");
  if (form) fold(form);
});

// Asked for: the caret is where the answer goes.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!ctx.sourceElement?.matches?.(".act--reply") || ctx.quietly) return;
  ctx.sourceElement.closest(".post")?.querySelector(".post__answer .composer__text")?.focus();
});

// Sent: the caret is in the empty form, or back at the post that was answered.
const sentFrom = new WeakMap();
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const form = ctx.sourceElement;
  if (form?.matches?.(".composer:not(.editor)") && ctx.response.status < 300) sentFrom.set(ctx, form.closest(".post")?.id);
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => { // at the document: the form is gone
  const form = ctx.sourceElement;
  if (!sentFrom.has(ctx)) return;
  setTimeout(() => {
    if (form.isConnected || document.activeElement?.matches("textarea, input, select")) return;
    const post = sentFrom.get(ctx);
    const next = document.querySelector(`#${form.id} .composer__text`) ?? (post && document.querySelector(`#${post} .act--reply`));
    next?.focus();
  });
});

// Saved, cancelled, deleted: what stands in its place now, which htmx calls the source then.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (document.activeElement === document.body && ctx.sourceElement?.matches?.(".post:not(.is-editing)")) ctx.sourceElement.focus({ preventScroll: true });
});

// An answer that came twice, or something new that stands here already: each post once.
document.addEventListener("htmx:after:swap", () => {
  const seen = new Set();
  document.querySelectorAll("[data-post]").forEach((post) => (seen.has(post.id) ? (post.closest(".said") ?? post).remove() : seen.add(post.id)));
});

// Pressed twice, as Delete: by now there is nothing to act on, nor anything new to tell.
document.addEventListener("htmx:before:request", (event) => event.detail.ctx.sourceElement?.isConnected === false && event.preventDefault());

// A menu closes when something else is meant.
const closeMenus = (except) => document.querySelectorAll("[data-menu][open]").forEach((menu) => menu === except || (menu.open = false));
document.addEventListener("click", ({ target }) => closeMenus(target.closest("[data-menu]")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
