// Forms: counters, Escape, where the focus goes, and the one rule that nothing typed is swapped away.
import { newKey } from "./outcome.js";
import { showToast } from "./toasts.js";

// What the person has typed, without what the form carries along.
const CARRIED = /^(hidden|submit|button|reset|fieldset)$/;
const controls = (form) => [...form.elements].filter(({ name, type }) => name && !CARRIED.test(type));
const asTyped = (control) => (control.files ? [...control.files].map(({ size }) => size) : control.type === "checkbox" ? control.checked : control.value);
// As it came from the server, whatever was typed before this script was here.
const asDrawn = (control) => (control.files ? [] : control.type === "checkbox" ? control.defaultChecked : (control.defaultValue ?? control.value));
const typed = (form, read = asTyped) => JSON.stringify(controls(form).map((control) => [control.name, read(control)]));
// Unless it comes with a refusal, on a page of its own: what it holds is then not known to the server.
const isRefused = (form) => form.querySelector('[data-state="refused"], .conflict');
const asUnknown = (form) => JSON.stringify(controls(form).filter(({ files }) => files).map(({ name }) => [name, []])); // files never come back
const saved = new WeakMap(); // form → what is known to the server: as it was drawn, or last saved
const sent = new WeakMap(); // form → what went off with the last request

/** What the server knows of `form`, by name; null where it is no form of ours that is being edited. */
export const known = (form) => (saved.has(form) ? Object.fromEntries(JSON.parse(saved.get(form))) : null);
/** The controls of `form` that hold something the server does not know. */
export function unsaved(form) {
  const was = known(form) ?? {};
  return controls(form).filter((control) => JSON.stringify(was[control.name]) !== JSON.stringify(asTyped(control)));
}

// Counted as the server counts: by code point.
function count(input) {
  const counter = document.querySelector(`[data-counter="${input.id}"]`);
  if (!counter) return;
  const left = counter.dataset.limit - [...input.value.replace(/\r\n/g, "\n").trim()].length;
  counter.textContent = left;
  counter.classList.toggle("is-near", left >= 0 && left <= 20);
  counter.classList.toggle("is-over", left < 0);
}
document.addEventListener("input", ({ target }) => count(target));

// The control is never replaced (it is being typed into), so its state follows its message.
function follow(message) {
  const control = message.closest(".control")?.querySelector(".control__input");
  if (message.dataset.state === "refused") control?.setAttribute("aria-invalid", "true");
  else control?.removeAttribute("aria-invalid");
}

function focusAtEnd(control) {
  control.focus();
  if (typeof control.selectionStart === "number") control.setSelectionRange(control.value.length, control.value.length);
}

function look() {
  document.querySelectorAll("[data-counter]").forEach((counter) => count(document.getElementById(counter.dataset.counter)));
  document.querySelectorAll("[data-message]").forEach(follow);
  document.querySelectorAll("form[data-form]").forEach((form) => saved.has(form) || saved.set(form, isRefused(form) ? asUnknown(form) : typed(form, asDrawn)));
}
look();
const opened = document.querySelector("[autofocus]"); // on a page opened at a field the caret stands at its end too,
const isUntouched = opened && [opened, document.body].includes(document.activeElement) && !opened.selectionEnd;
if (isUntouched) focusAtEnd(opened); // unless somebody was faster than this script

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const form = ctx.sourceElement;
  if (form?.matches?.("form[data-form]") && !ctx.again) sent.set(form, typed(form));
});

// A saved field closes its editor, unless it was typed into since: then only the toast is shown and the editor stays.
// The same for an Undo, a post that is gone, or anything else, that would replace an editor with something unsaved in it.
document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  // Left to itself, htmx gives the focus to any autofocus in sight, away from whoever is typing.
  for (const place of [document, ...tasks.map((task) => task.fragment)]) {
    place.querySelectorAll("[autofocus]").forEach((control) => control.removeAttribute("autofocus"));
  }
  ctx.quietly = ctx.sourceElement?.matches?.("[data-quietly]"); // an editor that opens by itself; see drafts.js
  if (!ctx.response || ctx.sourceElement?.matches?.("[data-cancel]")) return;
  for (const task of [...tasks]) {
    if (/^(before|after)/.test(task.swapSpec?.style ?? task.swapSpec)) continue; // put beside or into it, in no one's place
    const target = typeof task.target === "string" ? document.querySelector(task.target) : task.target;
    const editor = target?.matches?.("form[data-form]") ? target : target?.querySelector?.("form[data-form]");
    if (!editor) continue;
    const own = editor.contains(ctx.sourceElement);
    if (own && ctx.response.status >= 400) continue; // refused: the same form, with what was typed
    if (((own && sent.get(editor)) || saved.get(editor)) !== typed(editor)) tasks.splice(tasks.indexOf(task), 1);
  }
});

// An editor that stays goes on from what was saved: the next Save is not a conflict with oneself.
function goOn(form, source, version, was) {
  form.elements.version.value = version;
  if (form.elements.once) form.elements.once.value = newKey();
  for (const [field, digest] of Object.entries(was)) {
    if (form.elements[`was_${field}`]) form.elements[`was_${field}`].value = digest;
  }
  form.querySelectorAll(".conflict").forEach((conflict) => conflict.remove());
  form.querySelectorAll("[data-plain]").forEach((label) => (label.textContent = label.dataset.plain));
  if (source === form) saved.set(form, sent.get(form)); // and not an Undo elsewhere on the page
}
document.addEventListener("field:saved", ({ target, detail: { field, version, was } }) => {
  const form = document.querySelector(`form[data-editor="${field}"]`);
  if (form) goOn(form, target, version, was);
});

// The form of everything leaves for the profile once it is saved, unless it was typed into since.
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement;
  if (!ctx.hx?.redirect || !form.matches?.("[data-stays]")) return;
  saved.set(form, sent.get(form)); // so that leaving is not asked about
  if (saved.get(form) === typed(form)) return;
  event.preventDefault();
  showToast("profile:saved", "Profile saved.", "What you typed since then is not saved yet.", "success");
});
document.addEventListener("profile:saved", ({ target, detail: { version, was } }) => {
  const form = document.querySelector("form[data-stays]");
  if (form) goOn(form, target, version, was);
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  look();
  const source = ctx.sourceElement;
  if (source?.matches?.(".control__input, .search__input") || ctx.quietly) return; // a live check: whoever types goes on typing
  const block = source?.closest?.(".field, form[data-form]") ?? (ctx.target?.id ? document.getElementById(ctx.target.id) : null);
  if (!block || block.closest(".toasts")) return;
  const torn = block.querySelector(".conflict")?.previousElementSibling?.querySelector(".control__input");
  const problem = block.querySelector('[aria-invalid="true"], .control:has([data-state="refused"]) .choices input') ?? torn;
  const active = document.activeElement;
  const form = active?.closest("form[data-form]");
  const waiting = form && block.contains(active) && sent.get(form) === typed(form); // Enter, and nothing typed since
  if (active && active !== document.body && !(waiting && problem && problem !== active)) return;
  // Focus fell with the button that was pressed: to the first problem, else to where editing begins.
  const next = problem ?? block.querySelector(".control__input") ?? block.querySelector(".field__edit, .field__invite a");
  if (next) focusAtEnd(next);
});

// The same where no answer came that could be swapped; htmx gives the button back only after this event.
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) =>
  setTimeout(() => {
    const form = ctx.sourceElement;
    const active = document.activeElement; // still the button, where the answer came faster than the browser moved the focus
    if (form?.isConnected && form.matches("form[data-form]") && (active === document.body || (active.type === "submit" && form.contains(active)))) form.querySelector(".control__input").focus();
  }),
);

// Leaving with something unsaved: the browser asks first, unless it leaves by sending just that.
let leaving = null; // the form that is sent without htmx
let isAsked = false;
/** It was asked already: the browser need not. */
export const leaveUnasked = () => (isAsked = true);
document.addEventListener("submit", (event) => (leaving = event.defaultPrevented ? null : event.target));
addEventListener("beforeunload", (event) => {
  const forms = [...document.querySelectorAll("form[data-editor], form[data-stays]")];
  if (!isAsked && forms.some((form) => form !== leaving && saved.get(form) !== typed(form))) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  event.target.closest?.("form[data-editor]")?.querySelector("[data-cancel]")?.click();
});
