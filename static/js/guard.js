// An answer that is not ours is never swapped, and no answer at all is said plainly. What was typed stays either way.
import { showToast } from "./toasts.js";

const KEPT = "What you typed is still here.";
const TEXTS = {
  serverUnavailable: ["The site is not answering properly", `Something between you and it sent another page. ${KEPT} Try again in a moment.`],
  unreachable: ["The site cannot be reached", `${KEPT} Try again in a moment.`],
  tookTooLong: ["That took too long", `It may or may not have arrived. ${KEPT} Look whether it was saved before you try again.`],
  offline: ["You are offline", `${KEPT} Send it when you are connected again.`],
};

function tell(what, ctx) {
  if (ctx.sourceElement?.matches?.(".control__input, .search__input")) return; // a live check is a courtesy: Save will tell
  const toast = ctx.toast ?? showToast(what, ...TEXTS[what]);
  toast.dispatchEvent(new CustomEvent("request:failed", { bubbles: true, detail: { ctx } }));
}

document.addEventListener("htmx:before:response", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.headers.has("X-Microblog")) return;
  event.preventDefault();
  tell("serverUnavailable", ctx);
});

document.addEventListener("htmx:error", ({ detail: { ctx, error } }) => {
  if (!ctx || ctx.text !== undefined) return; // a script's or a swap's error, not the network's
  const late = error === "timeout" || error?.name === "TimeoutError";
  tell(late ? "tookTooLong" : navigator.onLine ? "unreachable" : "offline", ctx);
});

// Our answer to a stale token brings a fresh one: the next try works.
document.addEventListener("csrf:renewed", ({ detail: { token } }) => {
  document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": token }));
  document.querySelectorAll('input[name="csrf_token"]').forEach((input) => (input.value = token));
});
