/** True for names and addresses that are this machine's, whatever a name server says: `localhost` and below (RFC 6761, 6.3), 127.0.0.0/8, ::1. */
export const isLoopbackHost = (host: string): boolean =>
  /^(([a-z0-9-]+\.)*localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host)
