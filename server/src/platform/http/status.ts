/** The names of the statuses (RFC 9110, 15). */
export { STATUS_CODES } from 'node:http'
