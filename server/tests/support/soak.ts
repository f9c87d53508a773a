/** True in `make test-soak`, which runs the files that ask for it with all the rounds that they can have. */
const soaking = process.env.SOAK === 'true'

/** How often something is tried: enough in every run to see a mistake in the rule, and in a soak to see a rare one. */
export const rounds = (inEveryRun: number, inASoak: number): number => (soaking ? inASoak : inEveryRun)
