import { expect, test } from 'vitest'
import { profilesService } from '../../../tests/support/profiles-service.ts'
import { sql } from '../../platform/db/database.ts'
import { columnOf, columns, fieldNames } from './profile.ts'

const service = profilesService('profile')

/** Columns that are no fields: what is found and sorted by, and what a removal will tell. */
const beside = ['email_order', 'first_name_order', 'indexed', 'last_name_order', 'removal', 'scope', 'search']

const spelled = new Map([['timestamp with time zone', 'timestamptz']])
const columnsOf = async (table: string) => {
  const found = await service.database.many(sql<{ name: string; type: string; nullable: boolean }>`
    SELECT column_name AS name, data_type AS type, is_nullable = 'YES' AS nullable FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = ${table} ORDER BY column_name`)
  return found.map(({ type, ...column }) => ({ ...column, type: spelled.get(type) ?? type }))
}

test('the fields are the columns of the table, with their types, and nothing else is in it', async () => {
  const inTable = await columnsOf('profiles')
  const fields = inTable
    .filter(({ name }) => !beside.includes(name))
    .map(({ name, type, nullable }) => `${name} ${type}${nullable ? ' null' : ''}`)
  expect(fields).toEqual(Object.values(columns).toSorted())
  expect(inTable.map(({ name }) => name)).toEqual([...fieldNames.map(columnOf), ...beside].toSorted())
})

test('what is read of a profile are the fields, by their names', async () => {
  // And by what is looked for, where the table's own columns are not.
  const named = [...fieldNames, 'scope'].toSorted()
  expect((await columnsOf('profile_details')).map(({ name }) => name).toSorted()).toEqual(named)
})
