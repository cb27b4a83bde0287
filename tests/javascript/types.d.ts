// The widget's types, for the checker alone: an `import()` in a comment of a module would be hashed like a real one.

type Api = import("../../static/chatkit/widget/api.js").Api;
type Account = import("../../static/chatkit/widget/account.js").Account;
type Composer = import("../../static/chatkit/widget/composer.js").Composer;
type EventLink = import("../../static/chatkit/widget/sse.js").EventLink;
type Link = import("../../static/chatkit/widget/link.js").Link;
type MessageList = import("../../static/chatkit/widget/list.js").MessageList;
type MessageView = import("../../static/chatkit/widget/message.js").MessageView;
type DrawnBy = typeof import("../../static/chatkit/widget/message.js").MessageView;
type Session = import("../../static/chatkit/widget/session.js").Session;
type Speaker = import("../../static/chatkit/widget/speaker.js").Speaker;
type Strings = import("../../static/chatkit/widget/strings.js").Strings;
type Widget = import("../../static/chatkit/widget/widget.js").Widget;
type Icon = keyof typeof import("../../static/chatkit/widget/dom.js").SHAPES;
type English = typeof import("../../static/chatkit/widget/strings/en.js").en;
/** A language has as many plural forms as it needs. */
type Table = { [K in keyof English]: English[K] extends string ? string : { other: string; [form: string]: string } };
type Key = keyof Table;

interface Call {
  method?: string;
  body?: object;
  token?: string | null;
  headers?: Record<string, string>;
  keepalive?: boolean;
  patience?: number;
}

// What is kept in localStorage.

interface KeptCredential {
  kind: "visitor" | "session" | "host";
  token: string;
  expires_at: string;
  issued_at: string;
}

interface Unsent {
  text: string;
  client_message_id: string;
  conversation_id: string | null;
  context: { mode: string; selected_text?: string; page_url: string };
}

interface Kept {
  credential?: KeptCredential;
  anon_id?: string;
  user?: { email: string; tier: string } | null;
  /** Whose conversations could be brought along. */
  visitor?: { token: string; anon_id: string; conversation_id?: string | null };
  /** An address that waits for its mail to be answered. */
  pending?: { email: string; number?: string };
  conversation_id?: string | null;
  outbox?: Unsent[];
  answers?: number;
  prompted?: boolean;
}

// What was said.

type Status = "queued" | "waiting" | "sent" | "writing" | "complete" | "cancelled" | "failed";

interface Source {
  id: string;
  title: string;
  url: string;
  excerpt: string;
}

interface Item {
  /** Stays while the item is shown. */
  key: string;
  role: "user" | "assistant";
  status: Status;
  content: string;
  /** The server's. */
  id: string | null;
  turnId: string | null;
  clientId: string | null;
  sources: Source[];
  rating: number | null;
  /** Of the last event that was applied. */
  seq: number;
  quote?: string;
  problem?: string;
  mayRetry?: boolean;
  /** Came while this page looked on. */
  isNew?: boolean;
}

interface Teller {
  items(items: Item[]): void;
  item(item: Item): void;
  started(item: Item): void;
  ended(item: Item): void;
  changed(id: string | null): void;
  limited(limit: { action: string; retry_after: number }): void;
  problem(problem: { code: string; message: string }): void;
}

// The line to the server.

type LinkState = "connecting" | "online" | "offline" | "stopped";

interface Hooks {
  onready(ready: any): void;
  onframe(frame: any): void;
  onstate(state: LinkState): void;
}

// The page.

interface Block {
  kind: string;
  source: string;
  lines: string[];
}

interface Setting {
  say(key: "copy" | "copied"): string;
  cite(number: number): Node | null;
}

interface Choice {
  label: string;
  act(): void;
  isQuiet?: boolean;
  class?: string;
}

interface Notice {
  text: string;
  choices?: Choice[];
  dismiss?(): void;
  class?: string;
}

type State =
  | "ANONYMOUS"
  | "SOFT_PROMPT_SHOWN"
  | "SIGNUP_MODAL_OPEN"
  | "EMAIL_VERIFICATION_PENDING"
  | "LOGGED_IN"
  | "VERIFICATION_FAILED"
  | "SESSION_EXPIRED";

interface Options {
  server: string;
  position: string;
  title: string;
  placeholder: string;
  greeting: string;
  isOpen: boolean;
  isDisabled: boolean;
}
