// On pages with something to send; a stranger's first visit does without.
import { offerAgain } from "./again.js";
import "./drafts.js";
import "./editors.js";
import { look } from "./outcome.js";
import "./waiting.js";

// No answer that could be used. Sending again is safe at once: a form with a key is saved once, however often it comes.
// Meanwhile it is asked whether it was, but for an answer that says when to come back: that one was not passed on.
document.addEventListener("request:failed", ({ target, detail: { ctx } }) => {
  const asks = !ctx.response?.headers.has("Retry-After") && look(ctx, target);
  offerAgain(target, ctx, asks ? "Send again" : "Try again");
});

if (document.body.dataset.person) import("./files.js"); // members have a picture
