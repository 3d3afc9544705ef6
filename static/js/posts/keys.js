// j and k go from post to post, l likes, r answers, ? shows the keys; never while something is being typed.
const KEYS = [["j", "the next post"], ["k", "the post before"], ["l", "like it, or no longer"], ["r", "answer it"], ["Enter", "open it"], ["n", "write a post"], ["Ctrl Enter", "send what you write"], ["?", "these keys"]];
const TYPING = "input, textarea, select, [contenteditable]";
const posts = () => [...document.querySelectorAll("[data-post]")];
const current = () => document.activeElement?.closest("[data-post]");
const isAfter = (post, other) => other.compareDocumentPosition(post) & Node.DOCUMENT_POSITION_FOLLOWING;

function step(by) {
  const all = posts();
  const here = document.activeElement?.closest(".post"); // or where one stood
  const inSight = all.find((post) => post.getBoundingClientRect().bottom > 60) ?? all[0];
  const next = !here ? inSight : by > 0 ? all.find((post) => isAfter(post, here)) : all.findLast((post) => isAfter(here, post));
  if (!next) return;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function help() {
  const open = document.querySelector("dialog.keys");
  if (open) return open.close();
  const dialog = Object.assign(document.createElement("dialog"), { className: "keys" });
  const title = Object.assign(document.createElement("h2"), { textContent: "Keys", id: "keys-title" });
  const list = document.createElement("dl");
  for (const [key, does] of KEYS) {
    const term = document.createElement("dt");
    term.append(...key.split(" ").flatMap((one, at) => [at ? " " : "", Object.assign(document.createElement("kbd"), { textContent: one })]));
    list.append(term, Object.assign(document.createElement("dd"), { textContent: does }));
  }
  const close = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(title, list, close);
  document.body.append(dialog);
  dialog.showModal();
}

const press = (selector) => current()?.querySelector(selector)?.click();
const ACTS = {
  j: () => step(1),
  k: () => step(-1),
  l: () => press(".act--like"),
  r: () => press("a.act--reply"),
  n: () => document.getElementById("composer-text")?.focus() ?? (document.body.dataset.person && location.assign("/post")),
  "?": help,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest?.(TYPING)) return;
  if (event.key !== "?" && document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && event.target.matches?.("[data-post]")) return event.target.querySelector(".post__time")?.click();
  if (!Object.hasOwn(ACTS, event.key)) return;
  event.preventDefault();
  ACTS[event.key]();
});
