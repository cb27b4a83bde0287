/** Calls of the server, and its refusals, which all have one shape. */

const PATIENCE = 30_000;

export class ApiError extends Error {
  /** @param {{error?: string, message?: string, status_code?: number, detail?: any}} body */
  constructor(body) {
    super(body.message ?? "");
    this.code = body.error ?? "internal_error";
    this.status = body.status_code ?? 0;
    this.detail = body.detail ?? {};
  }

  /** Seconds, where the server says to wait. @returns {number | null} */
  get retryAfter() {
    return this.code === "rate_limited" && this.detail.retry_after ? this.detail.retry_after : null;
  }
}

export class Api {
  /** @param {string} server */
  constructor(server) {
    this.server = server;
  }

  /** The response, whatever its status. @param {string} path @param {Call} [call] */
  fetch(path, { method, body, token, headers = {}, keepalive = false, patience = PATIENCE } = {}) {
    const url = path.startsWith("http") ? path : `${this.server}/api/v1${path}`;
    return fetch(url, {
      method: method ?? (body ? "POST" : "GET"),
      body: body && JSON.stringify(body),
      headers: {
        ...(body && { "Content-Type": "application/json" }),
        ...(token && { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      credentials: "omit",
      cache: "no-store",
      keepalive,
      signal: patience ? AbortSignal.timeout(patience) : undefined,
    });
  }

  /** What the server answers; refusals are thrown. @param {string} path @param {Call} [call] @returns {Promise<any>} */
  async call(path, call) {
    const response = await this.fetch(path, call);
    await refuse(response);
    return response.status === 204 ? null : response.json();
  }
}

/** @param {Response} response */
export async function refuse(response) {
  if (response.ok) return;
  const body = await response.json().catch(() => null);
  throw new ApiError({ status_code: response.status, ...body });
}
