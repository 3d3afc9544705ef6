// The toasts at the edge: errors stay until dismissed, the rest leave by themselves; equal ones become one with a count.
const STAY = 8000;
const region = document.getElementById("toasts");
const timers = new WeakMap();
let editing = null; // the form that has, or last had, the focus
export let cameFrom = document.activeElement; // where the focus was before it went to the toasts

/** Show a note made here, in the shape of those the server draws; `action` is a button: `{ label, run }`. */
export function showToast(code, title, text, kind = "error", action = null) {
  const toast = document.getElementById("toast-shape").content.firstElementChild.cloneNode(true);
  if (kind !== "error") {
    toast.removeAttribute("role");
    toast.classList.replace("toast--error", `toast--${kind}`);
    toast.querySelector("use").setAttribute("href", toast.querySelector("use").getAttribute("href").replace("#alert", "#check"));
  }
  toast.dataset.toast = code;
  toast.querySelector(".toast__words").textContent = title;
  toast.querySelector(".toast__text").textContent = text;
  toast.querySelector(".toast__text").hidden = !text;
  if (action) toast.querySelector(".toast__body").append(button(action));
  region.append(toast);
  return toast;
}

/** A small button that runs `run` with the toast it stands in, if it stands in one. */
export function button({ label, run }) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className: "button button--small", textContent: label });
  made.addEventListener("click", () => run(made.closest(".toast")));
  return made;
}

// While a finger or a mouse button is down on a toast, nothing there moves: its click would be lost.
let pressed = false;
const waiting = [];
const still = (act) => (pressed ? waiting.push(act) : act());
const release = () =>
  setTimeout(() => { // after the click
    pressed = false;
    waiting.splice(0).forEach((act) => act());
  });
region.addEventListener("pointerdown", ({ button }) => (pressed = button === 0));
for (const type of ["pointerup", "pointercancel"]) addEventListener(type, () => pressed && release());

export function dismiss(toast) {
  clearTimeout(timers.get(toast));
  const held = toast.contains(document.activeElement);
  toast.classList.add("is-leaving");
  const remove = () => {
    toast.remove();
    if (!held) return;
    const next = [...region.querySelectorAll(".toast:not(.is-leaving) [data-dismiss]")].at(-1);
    next ? next.focus() : focusBack();
  };
  setTimeout(() => still(remove), 160);
}

function leaveLater(toast) {
  clearTimeout(timers.get(toast));
  if (toast.matches(".toast--error, [data-held]")) return;
  timers.set(toast, setTimeout(() => dismiss(toast), STAY));
}

/** Let `toast` stay until it is dismissed. */
export function hold(toast) {
  toast.dataset.held = "";
  clearTimeout(timers.get(toast));
  return toast;
}

/** Give the focus back to where it was before it went to a toast. */
export const focusBack = () => (cameFrom?.isConnected ? cameFrom : document.getElementById("main")).focus();

// Reading or reaching for a toast stops the clock of all of them.
const pause = () => region.querySelectorAll(".toast").forEach((toast) => clearTimeout(timers.get(toast)));
const resume = () => {
  if (!region.matches(":hover") && !region.contains(document.activeElement)) region.querySelectorAll(".toast").forEach(leaveLater);
};
region.addEventListener("pointerover", pause);
region.addEventListener("pointerout", () => setTimeout(resume));
region.addEventListener("focusin", pause);
region.addEventListener("focusout", () => setTimeout(resume));

function collapse(toast) {
  const alike = (other) => other !== toast && other.dataset.toast === toast.dataset.toast && !other.querySelector("[data-undo]");
  const twins = toast.querySelector("[data-undo]") ? [] : [...region.children].filter(alike);
  if (!twins.length) return;
  toast.dataset.count = 1 + twins.reduce((sum, twin) => sum + Number(twin.dataset.count ?? 1), 0);
  const held = twins.some((twin) => twin.contains(document.activeElement));
  twins.forEach((twin) => twin.remove());
  toast.dispatchEvent(new CustomEvent("toast:collapsed", { bubbles: true, detail: { twins } }));
  if (held) toast.querySelector("[data-dismiss]").focus();
  const badge = toast.querySelector(".toast__count");
  badge.textContent = `×${toast.dataset.count}`;
  badge.hidden = false;
}

// The field being edited is never covered: the stack keeps to the edge where it is out of the way.
function place() {
  if (pressed || region.contains(document.activeElement)) return; // nothing moves away from under a finger
  if (!editing?.isConnected || !region.children.length) return void (delete region.dataset.edge, delete region.dataset.folded);
  delete region.dataset.folded;
  const covers = (box, field) => box.width > 0 && box.top < field.bottom && box.bottom > field.top && box.left < field.right && box.right > field.left;
  const covered = (element) => [...region.children].some((toast) => covers(toast.getBoundingClientRect(), element.getBoundingClientRect()));
  const free = (element) => ["bottom", "top"].some((edge) => ((region.dataset.edge = edge), !covered(element)));
  if (free(editing)) return;
  if (region.children.length > 1) {
    region.dataset.folded = `+${region.children.length - 1}`; // the newest in sight, the others when it is dismissed
    if (free(editing)) return;
  }
  free(editing.querySelector(".control__input:focus, .control__input")); // at least what is typed stays in sight
}
document.addEventListener("focusin", ({ target }) => {
  if (region.contains(target)) return;
  cameFrom = target;
  editing = target.closest("form[data-form]");
  place();
});
addEventListener("resize", place);
addEventListener("scroll", place, { passive: true });
document.addEventListener("input", place); // a textarea grows

new MutationObserver((records) => {
  const added = records.flatMap((record) => [...record.addedNodes]).filter((node) => node.matches?.(".toast"));
  for (const toast of added) toast.hidden = pressed;
  still(() => {
    for (const toast of added) {
      if (!toast.isConnected) continue; // gone into an equal one that came with it
      toast.hidden = false;
      collapse(toast);
      leaveLater(toast);
    }
    place();
  });
}).observe(region, { childList: true });
region.querySelectorAll(".toast").forEach(leaveLater);

document.addEventListener("click", async ({ target }) => {
  const close = target.closest("[data-dismiss]");
  if (close) dismiss(close.closest(".toast"));
  const copy = target.closest("[data-copy]");
  if (!copy) return;
  const code = copy.parentElement.querySelector("[data-reference]");
  try {
    await navigator.clipboard.writeText(code.textContent);
    copy.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code); // no permission, or not a secure address: ready to be copied by hand
    copy.textContent = "Selected";
  }
  setTimeout(() => (copy.textContent = "Copy"), 2000);
});
document.addEventListener("keydown", (event) => {
  const toast = event.key === "Escape" && document.activeElement?.closest(".toast");
  if (!toast) return;
  event.preventDefault(); // and not the dialog that it may stand in
  dismiss(toast);
});

// An Undo stays for as long as it may be needed again, and goes when it is done.
const undo = ({ detail: { ctx } }) => ctx.sourceElement?.closest?.("[data-undo]")?.closest(".toast");
document.addEventListener("htmx:before:request", (event) => {
  if (undo(event)) hold(undo(event));
});
document.addEventListener("htmx:after:request", (event) => {
  if (undo(event) && event.detail.ctx.response.status < 400) dismiss(undo(event));
});
