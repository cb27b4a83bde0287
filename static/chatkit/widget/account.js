/** What belongs to people who sign in, or might: loaded when it is first needed. */

import { ApiError } from "./api.js";

export class Account {
  #widget;

  /** @param {Widget} widget @param {AbortSignal} signal */
  constructor(widget, signal) {
    this.#widget = widget;
  }

  goOn() {}
  signedIn() {}
  close() {}
  withdrawOffer() {}
  offerToAsk(text, selection) {}
  async act(name) {}
  async rate(item, rating, view) { await this.#widget.conversation.rate(item, rating); view.update(); }
  signUp() {}
}
