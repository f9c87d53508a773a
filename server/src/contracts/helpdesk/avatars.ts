import Type from 'typebox'
import { DomainError, refuseAtEdge } from '../../platform/errors.ts'
import { type RouteInput, reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { avatarsPath, avatarUrlOf } from './user-wire.ts'
import { Failure, Message, message } from './wire.ts'

/** Bytes that an image may have as it comes; an installation may say another number. */
const largestUpload = 5 * 1024 * 1024

const alias = '/api/v1/users/avatar'

const changeAvatar = route('profiles', 'POST', '/api/profile/avatar', {
  summary: "Set the caller's avatar: an image (JPEG, PNG, GIF, WebP) as multipart form data",
  access: 'person',
  limit: 'upload',
  upload: { field: 'avatar', maxBytes: largestUpload },
  replies: {
    200: Type.Object({
      ...Message.properties,
      data: Type.Object({ avatarUrl: Type.Union([Type.String(), Type.Null()]), message: Type.String() }),
    }),
    400: Failure,
    404: Failure,
  },
  async handler(profiles, { upload, claims, context }) {
    const avatarUrl = avatarUrlOf(await profiles.changeAvatar(claims.uid, upload, context))
    const text = "L'avatar a été mis à jour."
    return reply(200, { ...message(text), data: { avatarUrl, message: text } })
  },
})

const removeAvatar = route('profiles', 'DELETE', '/api/profile/avatar', {
  summary: "Remove the caller's avatar, if there is one",
  access: 'person',
  replies: { 200: Message, 404: Failure },
  async handler(profiles, { claims, context }) {
    await profiles.removeAvatar(claims.uid, context)
    return reply(200, message("L'avatar a été supprimé."))
  },
})

/** An avatar's address says which image it is: another image has another address. */
const imageHeaders = (etag: string) => ({
  'content-type': 'image/jpeg',
  'cache-control': 'public, max-age=31536000, immutable',
  etag,
  // Whatever a browser takes the bytes for, nothing in them runs.
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
  // Pages of other origins show it.
  'cross-origin-resource-policy': 'cross-origin',
  'content-disposition': 'inline; filename="avatar.jpg"',
})

const readAvatar = route('profiles', 'GET', `${avatarsPath}/:file`, {
  summary: 'An avatar',
  access: 'public',
  // A page of a list shows a hundred of them: they must not use up what the page's other requests may ask for.
  limit: 'download',
  bytes: true,
  params: Type.Object({ file: Type.String() }),
  headers: { 'If-None-Match': 'The `ETag` of the image that the client has' },
  replies: { 200: Type.Unknown(), 304: Type.Unknown(), 404: Failure },
  async handler(profiles, { params: { file }, header }) {
    const [, key] = /^([0-9a-f]{32})\.jpg$/.exec(file) ?? []
    if (key === undefined) throw noSuchAvatar(file)
    const image = await profiles.avatar(key).catch((error: unknown) => {
      throw error instanceof DomainError && error.code === 'profiles.not_found' ? noSuchAvatar(file) : error
    })
    const etag = `"${key}"`
    return knows(header, etag) ? reply(304, '', imageHeaders(etag)) : reply(200, image, imageHeaders(etag))
  },
})

const noSuchAvatar = (file: string) => refuseAtEdge('edge.not_found', { path: `${avatarsPath}/${file}`, method: 'GET' })

/** True when the client has the image already (RFC 9110, 13.1.2). */
function knows(header: RouteInput<unknown, unknown, unknown>['header'], etag: string): boolean {
  const tags = (header('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}

export const avatarRoutes = operations(
  'Profile',
  { changeAvatar, removeAvatar, readAvatar },
  { changeAvatar: alias, removeAvatar: alias },
)
