import type { Contract } from '../contracts/_kit/contract.ts'
import { longestAccessTtl } from '../contracts/configured.ts'
import type { ContractName } from '../contracts/registry.ts'
import type { Probe } from '../gateway/health.ts'
import { type IdentityPort, identityHere, identityOverHttp } from '../gateway/identity/port.ts'
import { systemClock as clock } from '../platform/clock.ts'
import type { EventSource } from '../platform/events/bus.ts'
import { httpEventSource } from '../platform/events/http-bus.ts'
import type { Relay } from '../platform/events/relay.ts'
import { smtpTransport } from '../platform/mail.ts'
import * as identityService from '../services/identity/index.ts'
import { type AppContext, openClient, openStore, readinessOf, type Store, secretOf } from './app-context.ts'

/** Identity as the rest of this process sees it: its ports, and the service itself when it runs here. */
export interface IdentityParts {
  port: IdentityPort
  events: EventSource
  probe: Probe
  service?: identityService.Identity
  relay?: Relay
  /** The newest mails, for the mailbox of development. */
  recentMails?: ReturnType<typeof identityService.recentMails>
  /** Begins to send mail and says where it goes. */
  startMail?: () => string
}

/** Identity itself, on its database. */
export async function openIdentity(appContext: AppContext) {
  const { config, contracts, metrics, deriveKey, log } = appContext
  const store = openStore(appContext, 'identity', identityService.pruning)
  const observers: identityService.Observe[] = []
  const service = await identityService.openIdentity({
    ...store,
    deriveKey,
    hashing: config.hashing,
    secretOf: (contract) => secretOf(config, contract),
    observe: (observation) => {
      for (const observe of observers) observe(observation)
    },
    exposeDevSecrets: config.development,
    keyRotationDays: config.keyRotationDays,
    longestAccessTtl: longestAccessTtl(contracts),
    clock,
    log,
  })
  metrics.gauge(
    'guichet_passwords_waiting',
    'Passwords that wait for their turn to be hashed',
    service.waitingPasswords,
  )
  return {
    service,
    store,
    /** Shows the figures that a contract names. */
    observeFor({ metrics: declare }: Contract): void {
      if (declare) observers.push(declare(metrics, service))
    },
  }
}

/** Identity as the rest of the process that runs it sees it. */
export function localIdentity(
  appContext: AppContext,
  { service, store }: Pick<Awaited<ReturnType<typeof openIdentity>>, 'service' | 'store'>,
  relay: Relay,
): IdentityParts {
  const sources = mailSources(appContext, service)
  return {
    service,
    relay,
    port: identityHere(service, appContext.contracts),
    events: relay,
    probe: store.database.ping,
    recentMails: identityService.recentMails({ ...store, ...sources }),
    startMail: () => startMail(appContext, { ...store, ...sources }),
  }
}

/** What mails are written from: the realm of every contract, and where people reach them. */
function mailSources({ config, contracts, listening }: AppContext, { secrets }: identityService.Identity) {
  const local = config.listeners[0] ? `http://localhost:${config.listeners[0].port}` : 'http://localhost'
  const realmNamed = (contract: string) => Object.values(contracts).find(({ name }) => name === contract)?.realm
  const ownOf = (contract: string) => config.realmMail[contract as ContractName]
  return {
    secrets,
    realmNamed,
    senderOf(contract: string): string {
      const from = ownOf(contract)?.from ?? config.mailFrom
      // Whoever reads it should see what the mail is about.
      const named = from.includes('<') && !from.startsWith('<')
      return named ? from : `"${realmNamed(contract)?.title ?? contract}" <${from.replaceAll(/[<>]/g, '')}>`
    },
    baseUrlOf: (contract: string) =>
      ownOf(contract)?.appUrl ?? config.appUrl ?? listening.url?.replace('127.0.0.1', 'localhost') ?? local,
  }
}

function startMail(appContext: AppContext, store: Store & ReturnType<typeof mailSources>): string {
  const { config, life, metrics, log } = appContext
  const transport = config.smtp && smtpTransport({ ...config.smtp, from: config.mailFrom, deadlineMs: 20_000 })
  if (transport) life.onStop('mail transport', async () => transport.close())
  const outcomes = metrics.counter('guichet_mails_total', 'Mails by kind and by what became of them', [
    'kind',
    'outcome',
  ])
  const onOutcome = (kind: string, outcome: string) => outcomes.inc({ kind, outcome })
  const worker = identityService.startMailWorker({ ...store, transport, log, onOutcome })
  life.onStop('mail worker', worker.stop)
  return config.smtp ? `SMTP at ${config.smtp.host}:${config.smtp.port}` : 'shown at /dev/mailbox'
}

export function remoteIdentity(appContext: AppContext): IdentityParts {
  const client = openClient(appContext, 'identity')
  return {
    port: identityOverHttp(client),
    events: httpEventSource({ service: 'identity', client }),
    probe: readinessOf(client, appContext.config),
  }
}
