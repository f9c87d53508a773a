import { Worker } from 'node:worker_threads'
import { busy } from '../errors.ts'
import type { Answer, Question, Wanted } from './strength-worker.ts'

/** Questions under way at most: with the cost of the dearest, what can be answered within the deadline. */
const capacity = 64
const deadlineMs = 10_000
/** Without questions for so long the thread ends, and the memory of its dictionaries (about 100 MB) is free again. */
const idleMs = 30_000

interface Pending {
  answer(answer: Answer): void
  fail(error: unknown): void
  deadline: NodeJS.Timeout
}

interface Judge {
  thread: Worker
  pending: Map<number, Pending>
  idle: NodeJS.Timeout | undefined
}

let judge: Judge | undefined
let questions = 0

/**
 * Judges a password by dictionaries, in a thread of its own: a score takes up to 100 ms, which no other request should wait for.
 * Refuses with `identity.busy` what cannot be answered in time.
 * @param own what belongs to the person, and makes a password weak that contains it
 */
export function judgePassword(password: string, own: readonly string[], wanted: Wanted): Promise<Answer> {
  judge ??= startJudge()
  const { thread, pending } = judge
  if (pending.size >= capacity) return Promise.reject(busy())
  questions += 1
  const question: Question = { id: questions, password, own, wanted }
  return new Promise((answer, fail) => {
    const deadline = setTimeout(() => stop(thread, busy()), deadlineMs)
    pending.set(question.id, { answer, fail, deadline })
    clearTimeout(judge?.idle)
    thread.ref()
    thread.postMessage(question)
  })
}

function startJudge(): Judge {
  const thread = new Worker(new URL('./strength-worker.ts', import.meta.url), {
    name: 'password-strength',
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 },
  })
  thread.on('message', (answer: Answer) => settle(answer))
  thread.on('error', (error) => stop(thread, error))
  thread.on('exit', () => stop(thread, new Error('the thread that judges passwords ended')))
  return { thread, pending: new Map(), idle: undefined }
}

function settle(answer: Answer): void {
  const one = judge?.pending.get(answer.id)
  if (!judge || !one) return
  judge.pending.delete(answer.id)
  clearTimeout(one.deadline)
  one.answer(answer)
  if (judge.pending.size > 0) return
  // An idle thread must not keep the process from ending.
  const { thread } = judge
  thread.unref()
  judge.idle = setTimeout(() => stop(thread, undefined), idleMs).unref()
}

/** Ends the thread and fails what it was asked; the next question starts another one. */
function stop(thread: Worker, reason: unknown): void {
  if (judge?.thread !== thread) return
  const { pending, idle } = judge
  judge = undefined
  clearTimeout(idle)
  for (const { fail, deadline } of pending.values()) {
    clearTimeout(deadline)
    fail(reason)
  }
  void thread.terminate()
}
