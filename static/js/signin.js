// The session has ended: signing in happens in a dialog over the page, which stays as it is, with everything typed.
import { sendAgain } from "./again.js";
import { cameFrom, dismiss, focusBack, hold, showToast } from "./toasts.js";
import { status } from "./waiting.js";

const mine = document.body.dataset.person;
const toasts = document.getElementById("toasts");
const dialog = Object.assign(document.createElement("dialog"), { id: "sign-in-dialog", className: "dialog" });
let interrupted = null; // what the person asked for when the session had ended: { source, pressed }
let back = null; // where the focus was
let typedAt = 0;
const askedAt = new WeakMap();
document.addEventListener("input", () => (typedAt = performance.now()), true);
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => askedAt.set(ctx, performance.now()));
const typedSince = (ctx) => typedAt > askedAt.get(ctx);

// What asks for the form: always there, whichever toast offers it.
const opener = Object.assign(document.createElement("button"), { type: "button", hidden: true });
const attributes = { get: `/login?person=${mine}`, target: "#sign-in-dialog", swap: "innerHTML", sync: "this:drop" };
for (const [name, value] of Object.entries(attributes)) opener.setAttribute(`hx-${name}`, value);
document.body.append(dialog, opener);
globalThis.htmx?.process(opener); // it may not have arrived

function signInButton(label) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button button--small", textContent: label });
  button.dataset.signIn = "";
  return button;
}
document.addEventListener("click", ({ target }) => target.closest("[data-sign-in]") && opener.click());

document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  const toast = tasks.map(({ fragment }) => fragment.querySelector('.toast[data-toast="sign_in_required"]')).find(Boolean);
  if (!toast) return;
  toast.querySelector(".toast__body").insertBefore(signInButton("Sign in"), toast.querySelector(".toast__body > a"));
  const source = ctx.sourceElement;
  if (source.matches(".control__input, .search__input")) return; // a live check: whoever types goes on typing
  interrupted = { source, pressed: ctx.request.submitter };
  const open = () => dialog.open || typedSince(ctx) || opener.click();
  source.addEventListener("htmx:finally:request", () => setTimeout(open), { once: true });
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target !== dialog || !dialog.querySelector("form")) return;
  if (typedSince(ctx)) return void dialog.replaceChildren();
  const active = document.activeElement;
  back = toasts.contains(active) ? cameFrom : active;
  dialog.setAttribute("aria-labelledby", "sign-in-title");
  dialog.setAttribute("aria-describedby", "sign-in-why");
  // Everything outside of an open dialog is out of reach, in whatever layer it lies.
  dialog.append(toasts, status);
  dialog.showModal();
  [...dialog.querySelectorAll(".control__input")].find((control) => !control.value).focus();
});

function close() {
  if (!dialog.contains(toasts)) return;
  document.body.append(toasts, status);
  dialog.close();
  dialog.replaceChildren();
  dialog.removeAttribute("aria-labelledby");
  dialog.removeAttribute("aria-describedby");
  const place = back?.isConnected && back !== document.body ? back : interrupted?.source;
  (place?.querySelector?.(".control__input") ?? place ?? document.getElementById("main")).focus();
  back = null;
}
dialog.addEventListener("close", close); // by Escape, or as the browser has it
dialog.addEventListener("click", ({ target }) => target.closest("[data-close]") && close());

document.addEventListener("session:started", ({ detail: { person, username } }) => setTimeout(() => goOn(String(person), username)));

function goOn(person, username) {
  if (dialog.open) close();
  document.querySelectorAll('.toast[data-toast="sign_in_required"], .toast[data-toast="session:other"]').forEach(dismiss);
  if (person !== mine) {
    const text = "This page belongs to another member, so nothing on it can be saved now. What you typed is still here.";
    const toast = showToast("session:other", `You are signed in as @${username}`, text);
    return toast.querySelector(".toast__body").append(signInButton("Sign in as its owner"));
  }
  const { source, pressed } = interrupted ?? {};
  interrupted = null;
  if (!source?.isConnected) return showToast("session:started", "You are signed in again.", "", "success");
  if (!source.matches("form")) return sendAgain(source); // it only wanted to see something
  const run = (toast) => {
    focusBack();
    dismiss(toast);
    sendAgain(source, pressed);
  };
  hold(showToast("session:started", "You are signed in again.", "What you typed is still here, and not sent yet.", "success", { label: "Send again", run }));
}
