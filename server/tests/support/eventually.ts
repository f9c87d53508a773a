/** Asks again until the answer passes `check`; after the deadline the last failure is thrown. */
export async function eventually<Value>(
  ask: () => Promise<Value>,
  check: (value: Value) => void,
  deadlineMs = 10_000,
): Promise<Value> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const value = await ask()
    try {
      check(value)
      return value
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
