/** Writes a line of a command's result to stdout. */
export type Print = (text: string) => void

/** What people get who ask, or who mistype. */
export const usage = `Usage: npm run guichet -- <command>

  start [topology | topology/unit | role ...]   start what is named (default: all)
  migrate [--no-backup]                         bring the databases to the present schema
  migrate new <service> <title>                 make the next numbered SQL file
  dead-letters <service | mail> [replay]        list the events or mails that failed for good, or try them again
  seed                                          write the demo data (development only)
  database                                      run the embedded PostgreSQL alone and print its URLs
  database create                               make the databases that the URLs name
  account create <name> [--email <address>] [--role <role>] [--password-stdin] [--verified]
  account grant <name> <role>
  account unlock | mfa-off | activate | deactivate <name>
  account sessions <name> [--end]               list the live sessions, or end them all
  tenant <name> [--min-password-score 0-4] [--approval on|off]
  import products <file.ndjson> [--dry-run]
  import accounts <file.ndjson> [--dry-run]     with the password hashes of another system
  keys                                          list the keys that sign access tokens
  keys rotate [--now]                           publish a new key; it signs in ten minutes, or now
  keys revoke <kid>                             withdraw a key that has become known
  openapi [--check]                             write the OpenAPI documents, or say which are out of date
  --help, --version

Commands read the variables of --topology <name> (default: all), those about accounts of their contract's topology.
Commands about accounts take --contract <name> (default: that of the default host) and, where the contract has tenants, --tenant <name>.

Variables: see .env.example.`
