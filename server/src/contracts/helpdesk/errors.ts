import { alike, type ErrorAnswer, type ErrorTable, type ValidationError } from '../_kit/contract.ts'

const answer = (status: number, code: string, message: string): ErrorAnswer => ({ status, code, message })

/** The longest password that the helpdesk takes, in characters; the core itself takes longer ones. */
export const longestPassword = 128

const invalid = (message: string): ErrorAnswer => answer(400, 'VALIDATION_ERROR', message)

/** Where a field stands, in express-validator's words. */
export const locations = ['body', 'query', 'params', 'headers'] as const
type Location = (typeof locations)[number]

/** A field that does not fit, as express-validator tells it; without the value, which may be a password. */
interface FieldError {
  type: 'field'
  path: string
  location: Location
  msg: string
}

const fieldError = (path: string, msg: string, location: Location = 'body'): FieldError => ({
  type: 'field',
  path,
  location,
  msg,
})

/** Answers 400 about one field. */
export function invalidField(path: string, message: string, location?: Location): ErrorAnswer {
  return { ...invalid(message), details: { errors: [fieldError(path, message, location)] } }
}

const unauthorized = (code: string, message: string): ErrorAnswer => answer(401, code, message)
const unavailable = answer(
  503,
  'SERVICE_UNAVAILABLE',
  "Le service n'est pas disponible pour le moment. Réessayez plus tard.",
)
const wrongCredentials = unauthorized('INVALID_CREDENTIALS', 'Adresse e-mail ou mot de passe incorrect.')
const forbidden = (message: string) => answer(403, 'FORBIDDEN', message)
const trueOrFalse = 'doit être true ou false.'
const duplicate = answer(409, 'USER_EXISTS', 'Un compte avec cette adresse e-mail existe déjà.')
const passwordTooLong = invalid(`Le mot de passe peut avoir ${longestPassword} caractères au plus.`)
const notFound = answer(404, 'USER_NOT_FOUND', 'Utilisateur introuvable.')

/** What the helpdesk answers to every code. */
export const errors: ErrorTable<'identity' | 'profiles'> = {
  'edge.bad_request': answer(400, 'BAD_REQUEST', "La requête n'a pas pu être comprise."),
  'edge.missing_token': unauthorized('MISSING_TOKEN', "Jeton d'accès manquant : Authorization: Bearer <jeton>."),
  'edge.invalid_token': unauthorized('INVALID_TOKEN', "Le jeton d'accès n'est pas valide ou a expiré."),
  ...alike(forbidden('Accès refusé.'), 'edge.forbidden', 'identity.not_allowed'),
  'edge.not_found': answer(404, 'NOT_FOUND', "Il n'y a rien à cette adresse."),
  'edge.method_not_allowed': answer(405, 'METHOD_NOT_ALLOWED', 'Cette adresse ne connaît pas cette méthode.'),
  'edge.request_timeout': answer(408, 'REQUEST_TIMEOUT', 'La requête a mis trop de temps à arriver.'),
  'edge.payload_too_large': answer(413, 'PAYLOAD_TOO_LARGE', 'Le corps de la requête est trop grand.'),
  'edge.unsupported_media_type': answer(
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    'Envoyez du JSON : Content-Type: application/json.',
  ),
  'edge.headers_too_large': answer(431, 'HEADERS_TOO_LARGE', 'Les en-têtes de la requête sont trop grands.'),
  'edge.rate_limited': answer(429, 'RATE_LIMITED', 'Trop de requêtes. Réessayez plus tard.'),
  'edge.internal': answer(500, 'INTERNAL_ERROR', 'Erreur interne du serveur.'),
  ...alike(unavailable, 'edge.bad_gateway', 'edge.unavailable', 'edge.timeout'),
  'edge.identity_unavailable': answer(503, 'AUTH_SERVICE_UNAVAILABLE', 'Auth Service unavailable'),
  ...alike(wrongCredentials, 'identity.invalid_credentials', 'identity.invalid_code'),
  'identity.email_unverified': answer(403, 'EMAIL_NOT_VERIFIED', "L'adresse e-mail de ce compte n'est pas vérifiée."),
  'identity.deactivated': answer(403, 'ACCOUNT_DEACTIVATED', 'Ce compte est désactivé.'),
  'identity.second_factor_required': answer(
    403,
    'MFA_REQUIRED',
    'Un code a été envoyé par e-mail. Envoyez session_token et mfa_code à cette adresse.',
  ),
  'identity.must_change_password': answer(
    403,
    'PASSWORD_CHANGE_REQUIRED',
    'Ce mot de passe est trop faible ici. Choisissez-en un autre sur la page indiquée par change_password_url.',
  ),
  ...alike(invalid("L'adresse e-mail n'est pas valide."), 'identity.username_invalid', 'identity.email_invalid'),
  'identity.username_taken': duplicate,
  'identity.name_invalid': invalid("Le nom n'est pas acceptable."),
  'identity.tenant_invalid': invalid("Cette organisation n'existe pas."),
  'identity.password_too_short': invalid('Le mot de passe doit avoir au moins 8 caractères.'),
  'identity.password_too_long': passwordTooLong,
  'identity.password_too_simple': invalid(
    'Le mot de passe doit mêler au moins trois sortes de caractères : majuscules, minuscules, chiffres, autres signes.',
  ),
  'identity.password_too_common': invalid('Ce mot de passe figure parmi les plus courants.'),
  'identity.password_too_weak': invalid('Ce mot de passe se devine trop facilement.'),
  'identity.password_mismatch': invalid('Les deux mots de passe sont différents.'),
  'identity.wrong_password': unauthorized('INVALID_CREDENTIALS', 'Le mot de passe actuel est incorrect.'),
  'identity.invalid_link': answer(400, 'INVALID_RESET_TOKEN', "Ce lien n'est pas valide ou a expiré."),
  'identity.already_verified': answer(400, 'ALREADY_VERIFIED', 'Cette adresse e-mail est déjà vérifiée.'),
  'identity.too_many_links': answer(429, 'RATE_LIMITED', 'Trop de messages envoyés. Réessayez plus tard.'),
  'identity.invalid_refresh_token': unauthorized(
    'INVALID_REFRESH_TOKEN',
    "Le jeton de renouvellement manque, n'est pas valide ou a expiré. Reconnectez-vous.",
  ),
  ...alike(notFound, 'identity.account_not_found', 'profiles.not_found'),
  'identity.unknown_role': invalidField('role', "Ce rôle n'existe pas."),
  'identity.last_administrator': forbidden('Le dernier administrateur ne peut être ni supprimé ni rétrogradé.'),
  'identity.not_oneself': forbidden('Personne ne peut faire cela à son propre compte.'),
  'identity.idempotency_key_reused': invalid('Cette Idempotency-Key a déjà servi pour une autre requête.'),
  ...alike(unavailable, 'identity.busy', 'profiles.busy'),
  'profiles.nothing_to_change': invalidField('', "Il n'y a rien à modifier."),
  'profiles.preferences_too_large': invalidField('preferences', 'Les préférences prennent trop de place.'),
  'profiles.upload_missing': invalidField('avatar', 'Envoyez une image, et une seule, dans le champ "avatar".'),
  'profiles.upload_too_large': invalidField('avatar', "L'image est trop lourde."),
  'profiles.not_an_image': invalidField('avatar', "Ce fichier n'est pas une image JPEG, PNG, GIF ou WebP."),
  'profiles.image_too_large': invalidField('avatar', "L'image a trop de pixels."),
  'profiles.image_damaged': invalidField('avatar', "L'image est incomplète ou abîmée."),
}

interface FieldName {
  name: string
  feminine?: boolean
  /** What it has to be, where "not valid" would not help. */
  rule?: string
}

/** People's words for the fields of a request. */
const fieldNames: Readonly<Record<string, FieldName>> = {
  email: { name: "L'adresse e-mail", feminine: true },
  password: { name: 'Le mot de passe' },
  newPassword: { name: 'Le mot de passe' },
  confirmPassword: { name: 'La confirmation du mot de passe', feminine: true },
  firstName: { name: 'Le prénom', rule: 'doit avoir de 2 à 100 caractères.' },
  lastName: { name: 'Le nom', rule: 'doit avoir de 2 à 100 caractères.' },
  token: { name: 'Le jeton' },
  phone: { name: 'Le numéro de téléphone', rule: 'doit avoir 16 chiffres au plus, après un + facultatif.' },
  department: { name: 'Le service' },
  jobTitle: { name: 'La fonction', feminine: true },
  preferences: { name: 'La valeur des préférences', feminine: true },
  'preferences.language': { name: 'La langue', feminine: true, rule: 'doit être fr, en ou es.' },
  'preferences.theme': { name: 'Le thème', rule: 'doit être light, dark ou auto.' },
  'preferences.notifications': { name: 'La valeur des notifications', feminine: true },
  'preferences.notifications.email': { name: 'La notification par e-mail', feminine: true, rule: trueOrFalse },
  'preferences.notifications.browser': { name: 'La notification du navigateur', feminine: true, rule: trueOrFalse },
  'preferences.notifications.sms': { name: 'La notification par SMS', feminine: true, rule: trueOrFalse },
  'preferences.timezone': { name: 'Le fuseau horaire' },
  role: { name: 'Le rôle' },
  userId: { name: "L'identifiant" },
  timestamp: { name: "L'horodatage" },
  page: { name: 'Le numéro de page' },
  limit: { name: 'La taille de page', feminine: true, rule: 'doit être de 1 à 100.' },
  search: { name: 'La recherche', feminine: true },
  sortBy: { name: 'Le critère de tri' },
  sortOrder: { name: "L'ordre de tri", rule: 'doit être asc ou desc.' },
  type: { name: "Le type d'activité" },
  startDate: { name: 'La date de début', feminine: true },
  endDate: { name: 'La date de fin', feminine: true },
}

const locationOf = (part: ValidationError['part']): Location => (part === 'querystring' ? 'query' : part)

/** The helpdesk's answer to a request that does not fit its schema: which field, as `preferences.theme`, and why. */
export function validationError({ part, path, keyword }: ValidationError): ErrorAnswer {
  const field = path.split('/').slice(1).join('.')
  const named: FieldName = fieldNames[field] ?? { name: part === 'body' ? 'Le corps de la requête' : 'La requête' }
  return invalidField(field, `${named.name} ${problemOf(keyword, named)}`, locationOf(part))
}

function problemOf(keyword: string, { feminine = false, rule }: FieldName): string {
  switch (keyword) {
    case 'required':
    case 'minLength':
      return feminine ? 'doit être renseignée.' : 'doit être renseigné.'
    case 'json':
      return "n'est pas du JSON valide."
    case 'maxLength':
      return feminine ? 'est trop longue.' : 'est trop long.'
    default:
      return rule ?? "n'est pas valide."
  }
}

/** Where in the body an identity problem lies. */
const fieldOf = (code: string): string => (code.startsWith('identity.password_') ? 'password' : 'email')

/** Every problem that the core found in a registration or a password, in words. */
export function fieldErrorsOf(problems: readonly unknown[]): FieldError[] {
  const table: Readonly<Record<string, ErrorAnswer>> = errors
  return problems.flatMap((code) => {
    const known = typeof code === 'string' ? table[code] : undefined
    return typeof code === 'string' && known ? [fieldError(fieldOf(code), known.message)] : []
  })
}
