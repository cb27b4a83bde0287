/** What the widget reports about itself, gathered for a moment so that one call carries several. */

const GATHER = 500;
const MOST = 50;

export class Analytics {
  /** @type {{event_type: string, event_data: object}[]} */
  #waiting = [];
  #timer = 0;
  #session;
  #log;

  /** @param {Session} session @param {(detail: {event_type: string, event_data: object}) => void} log */
  constructor(session, log) {
    this.#session = session;
    this.#log = log;
  }

  /** @param {string} event_type @param {object} [event_data] */
  note(event_type, event_data = {}) {
    this.#waiting.push({ event_type, event_data });
    this.#log({ event_type, event_data });
    this.#timer ||= setTimeout(() => this.flush(), GATHER);
  }

  /** What cannot be sent is forgotten: nobody's chat waits for a statistic. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const events = this.#waiting.splice(0, MOST);
    if (!events.length) return;
    this.#session.report("/analytics/events", { events }).catch(() => undefined);
  }
}
