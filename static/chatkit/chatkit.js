/** The one file a page loads: it defines `<chatkit-widget>`. */

import { ChatKitWidget } from "./widget/element.js";

if (!customElements.get("chatkit-widget")) customElements.define("chatkit-widget", ChatKitWidget);
