// "Did it go through?" A form whose answer got lost asks by its key, in the toast that said so, and fetches the answer.
import { button, dismiss, showToast } from "./toasts.js";

const KEPT = "What you typed is still here.";
const PAUSES = [300, 700, 1000, 2000, 4000, 8000, 15000, 30000]; // ms, a minute in all
const ENOUGH = 3; // so often "no" is no: what is still on its way arrives within these pauses
const looking = new WeakMap(); // what was sent → the toast that tells what is known
const ACTS = "acts"; // one form for all buttons below posts
const subject = ({ request, sourceElement }) => (request.form?.id === ACTS ? sourceElement : request.form);

const keyOf = ({ request, sourceElement }) => (sourceElement?.matches?.(".control__input") ? null : request?.body?.get?.("once"));

function retell(toast, text, label, run) {
  toast.querySelector(".toast__text").textContent = text;
  toast.querySelector("[data-look]")?.remove();
  if (!label) return;
  const made = button({ label, run });
  made.dataset.look = "";
  toast.querySelector(".toast__body").append(made);
}
// Equal toasts are one with a count; it stays for the others.
const settle = (toast) => toast.dataset.count > 1 || dismiss(toast);

async function known(key) {
  const answer = await fetch(`/outcome?key=${key}`, { signal: AbortSignal.timeout(5000) });
  if (!answer.ok || !answer.headers.has("X-Microblog")) throw new TypeError("not ours");
  return (await answer.json()).saved;
}

/** Find out what became of the form that `ctx` sent; `toast` says why nobody knows. False where it had no key. */
export function look(ctx, toast) {
  const key = keyOf(ctx);
  const form = subject(ctx);
  if (key && form) ask(ctx, toast, key, form);
  return Boolean(key && form);
}

async function ask(ctx, toast, key, form) {
  looking.set(form, toast);
  const current = () => looking.get(form) === toast;
  retell(toast, `Looking whether it was saved … ${KEPT}`);
  for (let no = 0, at = ctx.tries ?? 0; at < PAUSES.length; at++) {
    const online = new Promise((go) => addEventListener("online", go, { once: true }));
    await (navigator.onLine ? Promise.race([online, new Promise((go) => setTimeout(go, PAUSES[at]))]) : online);
    if (!current()) return;
    const saved = await known(key).catch(() => null);
    if (!current()) return;
    if (saved) return fetchAnswer(ctx, toast, at + 1);
    if (saved === false && ++no === ENOUGH) return retell(toast, `It was not saved. ${KEPT}`);
  }
  retell(toast, `Whether it was saved is not known yet. ${KEPT}`, "Look again", () => look({ ...ctx, tries: 0 }, toast));
}

// What was sent, once more: it changes nothing, and its answer is the first one. What was typed since stays out of it.
function fetchAnswer({ request, sourceElement }, toast, tries) {
  if (tries < PAUSES.length && sourceElement.isConnected) {
    return htmx.ajax(request.method, request.action, { source: sourceElement, again: request.body, toast, tries });
  }
  settle(toast);
  showToast("saved", "It was saved", "Reload the page to see it.", "success");
}
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (ctx.again) ctx.request.body = ctx.again;
  else if (ctx.request.form?.id === ACTS) ctx.request.body.set("once", newKey());
});

// Sent again by hand: that answer is the one to wait for.
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const form = subject(ctx);
  if (ctx.again || !keyOf(ctx) || !looking.has(form)) return;
  ctx.outdated = looking.get(form);
  retell(ctx.outdated, KEPT);
  looking.delete(form);
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx.text === undefined) return; // no answer, or none of ours
  if (ctx.outdated && ctx.response.status < 400) settle(ctx.outdated);
  if (!ctx.again) return;
  looking.delete(subject(ctx));
  if (ctx.response.status >= 400) return retell(ctx.toast, "It was saved. Reload the page to see it.");
  settle(ctx.toast);
  const told = [...document.querySelectorAll("#toasts > .toast:not(.is-leaving) .toast__text")].at(-1);
  if (told) Object.assign(told, { textContent: "It was saved; only the answer had been lost.", hidden: false });
});

/** A key for a form that stays open after it was saved: its next save is another change. */
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
