import Type from 'typebox'

/** A UUID in its canonical form (RFC 9562). */
export const Uuid = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' })
