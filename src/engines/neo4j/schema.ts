import type { Migration } from '../sql/migrate.ts'

/**
 * The graph: `(:User {user_id})`, and between users FOLLOWS, KEPT (an ended follow whose past stays), BLOCKS and MUTES.
 * Each relationship has the ids of both ends as well, because indexes are over properties: they keep pairs unique, find
 * one among many thousands, and walk one side in key order. Moments are milliseconds since 1970, whole numbers.
 */
interface Step {
  readonly name: string
  readonly entity: 'User' | 'FOLLOWS' | 'KEPT' | 'BLOCKS' | 'MUTES'
  readonly properties: readonly string[]
  readonly isUnique?: true
}

const PAIR = ['follower_id', 'followee_id']
const MARK = ['user_id', 'other_id']

const STEPS: readonly Step[] = [
  { name: 'fanfold_users', entity: 'User', properties: ['user_id'], isUnique: true },
  { name: 'fanfold_follows', entity: 'FOLLOWS', properties: PAIR, isUnique: true },
  { name: 'fanfold_followers', entity: 'FOLLOWS', properties: ['followee_id', 'follower_id'] },
  { name: 'fanfold_follows_by_time', entity: 'FOLLOWS', properties: ['followee_id', 'since_ms'] },
  { name: 'fanfold_follows_pending', entity: 'FOLLOWS', properties: ['pending_since_ms'] },
  { name: 'fanfold_follows_done', entity: 'FOLLOWS', properties: ['done_at_ms'] },
  { name: 'fanfold_kept', entity: 'KEPT', properties: PAIR, isUnique: true },
  { name: 'fanfold_kept_followers', entity: 'KEPT', properties: ['followee_id', 'follower_id'] },
  { name: 'fanfold_kept_pending', entity: 'KEPT', properties: ['pending_since_ms'] },
  { name: 'fanfold_kept_done', entity: 'KEPT', properties: ['done_at_ms'] },
  { name: 'fanfold_blocks', entity: 'BLOCKS', properties: MARK, isUnique: true },
  { name: 'fanfold_mutes', entity: 'MUTES', properties: MARK, isUnique: true },
]

/** What an index of the server looks like in `show indexes`. */
export interface IndexRow {
  readonly name: string
  readonly state: string
  readonly labelsOrTypes: readonly string[] | null
  readonly properties: readonly string[] | null
  readonly owningConstraint: string | null
}

export const SHOW_INDEXES = `
show indexes yield name, state, labelsOrTypes, properties, owningConstraint
return name, state, labelsOrTypes, properties, owningConstraint`

/** Labels and types of one installation: `User`, or `eu_User` with the prefix `eu`. */
export const nameWith = (prefix: string, name: string) => (prefix === '' ? name : `${prefix}_${name}`)

function commandOf({ name, entity, properties, isUnique }: Step, prefix: string): string {
  const pattern = entity === 'User' ? `(e:${nameWith(prefix, entity)})` : `()-[e:${nameWith(prefix, entity)}]-()`
  const columns = `(${properties.map((property) => `e.${property}`).join(', ')})`
  const [kind, rule] = isUnique ? ['constraint', `require ${columns} is unique`] : ['index', `on ${columns}`]
  return `create ${kind} ${nameWith(prefix, name)} if not exists for ${pattern} ${rule}`
}

/** The steps that bring an empty database to the schema, numbered from 1. */
export function schemaSteps(prefix: string): readonly Migration[] {
  return STEPS.map((step, index) => ({ version: index + 1, name: step.name, sql: commandOf(step, prefix) }))
}

/** The steps of which nothing is there yet: not by that name, not of that shape, or still being built. */
export function missingSteps(prefix: string, indexes: readonly IndexRow[]): readonly Migration[] {
  const there = new Map(indexes.map((index) => [index.name, index]))
  return schemaSteps(prefix).filter((_, at) => {
    const step = STEPS[at]!
    const index = there.get(nameWith(prefix, step.name))
    return !(
      index?.state === 'ONLINE' &&
      index.labelsOrTypes?.join() === nameWith(prefix, step.entity) &&
      index.properties?.join() === step.properties.join() &&
      (index.owningConstraint !== null) === (step.isUnique === true)
    )
  })
}
