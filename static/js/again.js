// "Try again" in a toast sends the very request once more: the form with the button that sent it, its files still chosen.
// Where the answer said when (Retry-After), the toast counts down to it; a screen reader hears the start and the end.
import { dismiss, focusBack, showToast } from "./toasts.js";

const WORTH_IT = [429, 500, 502, 503, 504, 507];
const requests = new WeakMap(); // toast → Map: what sent the request → the button that was pressed
const words = (seconds) => {
  const minutes = Math.round(seconds / 60);
  return seconds < 90 ? `${seconds} second${seconds === 1 ? "" : "s"}` : `${minutes} minutes`;
};

/** Send again what `source` sent: a form by `submitter`, or a link or button of its own. */
export function sendAgain(source, submitter) {
  if (source.matches("form")) source.requestSubmit(submitter?.form === source ? submitter : null);
  else source.click();
}

/** Give `toast` a button that sends the request of `ctx` again. Not for a live check: typing on asks again. */
export function offerAgain(toast, ctx, label = "Try again") {
  const source = ctx.sourceElement;
  if (!source?.matches?.("form, a, button")) return;
  const pressed = ctx.request.submitter;
  toast.querySelector("[data-again]")?.remove(); // what was sent again by itself has failed too
  requests.set(toast, new Map([[source, pressed]]));
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button button--small", textContent: label });
  button.dataset.again = "";
  toast.querySelector(".toast__body").append(button);
  const after = ctx.response?.headers.get("Retry-After");
  const seconds = Math.ceil(Number(after) || (Date.parse(after) - Date.now()) / 1000);
  if (seconds > 0) countDown(toast, button, seconds, pressed ?? source.querySelector(".button--primary"));
}

function countDown(toast, button, seconds, pressed) {
  const end = Date.now() + seconds * 1000;
  const text = toast.querySelector(".toast__text");
  let told = text.querySelector(".toast__next"); // made here, the toast has no such part, but says the like
  if (!told) {
    text.textContent = text.textContent.replace(" Try again in a moment.", "");
    told = text.appendChild(document.createElement("span"));
  }
  const seen = document.createElement("span");
  seen.ariaHidden = "true";
  told.before(" ", seen);
  told.className = "visually-hidden";
  told.textContent = ` Try again in ${words(seconds)}.`;
  button.hidden = true;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0 && (toast.isConnected || left === seconds)) {
      seen.textContent = `Try again in ${words(left)}.`;
      if (pressed) pressed.dataset.wait = left < 90 ? `${left} s` : `${Math.round(left / 60)} min`;
      return;
    }
    clearInterval(timer);
    if (pressed?.dataset.wait) pressed.dataset.wait = left > 0 ? "" : "ready";
    if (left > 0 || !toast.isConnected) return;
    seen.remove();
    told.className = "";
    told.textContent = "You can try again now.";
    button.hidden = false;
  };
  const timer = setInterval(tick, 1000);
  tick();
}

// Before it stands in the page, so that it is read out once and whole.
document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  for (const { fragment } of tasks) {
    const toast = fragment.querySelector(".toast--error");
    if (!toast) continue;
    if (WORTH_IT.includes(ctx.response?.status)) offerAgain(toast, ctx);
    else if (toast.dataset.toast === "csrf_rejected") offerAgain(toast, ctx, "Send again");
  }
});

addEventListener("online", () =>
  document.querySelectorAll('.toast[data-toast="offline"]').forEach((toast) => {
    toast.dataset.toast = "online";
    toast.querySelector(".toast__words").textContent = "You are online again";
    toast.querySelector(".toast__text").textContent = "What you typed is still here. Now it can be sent.";
  }),
);

// Equal toasts become one: its button sends all that failed.
document.addEventListener("toast:collapsed", ({ target, detail: { twins } }) => {
  const own = requests.get(target);
  if (own) twins.forEach((twin) => requests.get(twin)?.forEach((pressed, source) => own.has(source) || own.set(source, pressed)));
});

document.addEventListener("click", ({ target }) => {
  const toast = target.closest("[data-again]")?.closest(".toast");
  if (!toast) return;
  const waiting = [...requests.get(toast)].filter(([source]) => source.isConnected);
  focusBack();
  dismiss(toast);
  waiting.forEach(([source, pressed]) => sendAgain(source, pressed));
  if (!waiting.length) showToast("again:gone", "There is nothing left to send", "What this was about is no longer on the page.", "note");
});

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  ctx.sourceElement?.querySelectorAll?.("[data-wait]").forEach((button) => delete button.dataset.wait);
});

// What has gone through since needs no other try.
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (ctx.response.status >= 400) return;
  document.querySelectorAll("[data-again]").forEach((button) => {
    const sources = requests.get(button.closest(".toast"));
    if (sources.delete(ctx.sourceElement) && !sources.size) button.remove();
  });
});
