/** Writes a line of a command's result to stdout. */
export type Print = (text: string) => void

/** What people get who ask, or who mistype. */
export const usage = `Usage: npm run guichet -- <command>

  start [topology | topology/unit | role ...]   start what is named (default: all)
  migrate [--no-backup]                         bring the databases to the present schema
  migrate new <service> <title>                 make the next numbered SQL file
  dead-letters <service> [replay]               list the events a service could not take, or try them again
  seed                                          write the demo data (development only)
  database                                      run the embedded PostgreSQL alone and print its URLs
  account create <username> [--email <address>] [--contract shop] [--role <role>] [--password-stdin]
  account grant <username> <role> [--contract shop]
  account unlock <username> [--contract shop]
  import products <file.ndjson> [--dry-run]
  openapi [--check]                             write the OpenAPI documents, or say which are out of date
  --help, --version

Variables: see .env.example.`
