// A slow answer: the block says that it is busy, after a second a line runs along its top, after five a note says so.
import { dismiss, hold, showToast } from "./toasts.js";

const SLOW = 1000;
const LONG = 5000;
const running = new Map(); // request → { block, timers, told }

/** What a screen reader is told in passing. Goes wherever the toasts go. */
export const status = document.createElement("p");
status.className = "visually-hidden";
status.role = "status";
document.body.append(status);

function begin(ctx) {
  const source = ctx.sourceElement;
  if (!source?.matches?.("form, a, button")) return; // a live check has its dot
  const block = source.closest(".field, .toast") ?? source.closest("form") ?? source;
  block.ariaBusy = "true";
  const form = source.closest("form");
  const busy = source === form && form.querySelector(".button__busy");
  const slow = () => {
    running.get(ctx).told = true;
    block.classList.add("is-slow");
    status.textContent = busy ? busy.textContent : "Loading …";
  };
  const long = () => {
    const toast = hold(showToast("slow", "Still working …", form ? "What you typed is safe here." : "This takes longer than usual.", "note"));
    const icon = toast.querySelector(".icon use");
    icon.setAttribute("href", icon.getAttribute("href").replace("#check", "#clock"));
  };
  running.set(ctx, { block, timers: [setTimeout(slow, SLOW), setTimeout(long, LONG)] });
}

function end(ctx) {
  const { block, timers, told } = running.get(ctx) ?? {};
  if (!block) return;
  running.delete(ctx);
  timers.forEach(clearTimeout);
  const others = [...running.values()];
  if (!others.some((other) => other.block === block)) {
    block.ariaBusy = null;
    block.classList.remove("is-slow");
  }
  if (!others.length) document.querySelectorAll('.toast[data-toast="slow"]').forEach(dismiss);
  // A toast, a message beside a field or another page tell the end themselves.
  const silent = ctx.response?.status < 400 && ctx.text && !ctx.text.includes("data-toast=") && !ctx.hx?.redirect;
  if (told) status.textContent = silent ? "Done." : "";
}

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => begin(ctx));
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => end(ctx));
