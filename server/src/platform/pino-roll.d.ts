/** What is used of pino-roll, which comes without types. */
declare module 'pino-roll' {
  interface RollingFile extends NodeJS.EventEmitter {
    /** The file being written. */
    readonly file: string
    write(line: string): boolean
    flushSync(): void
  }

  export default function build(options: {
    file: string
    /** With its unit, as `10m`. */
    size: string
    limit: { count: number; removeOtherLogFiles: boolean }
    mkdir: boolean
    mode: number
    /** Bytes that may wait to be written; more is dropped. */
    maxLength: number
  }): Promise<RollingFile>
}
