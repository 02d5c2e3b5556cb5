import { type Command, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { table } from '../table.ts'

export const seals: Command = {
  name: 'seals',
  about: 'Show how far the log of payments is sealed, or seal all of it now',
  usage: '[now]',
  examples: ['fanfold seals', 'fanfold seals now && fanfold export payments --out payments.jsonl'],
  async run({ config, positionals, json, terminal }) {
    const [verb] = positionals
    if (verb !== undefined && verb !== 'now') throw new UsageError(`there is nothing like "${verb}" to do with seals`)
    return withFanfold(config, async ({ paymentProof }) => {
      if (verb === 'now') terminal.say(`${await paymentProof.sealNow()} new seals`)
      const shards = await paymentProof.sealed()
      if (json) {
        terminal.out(JSON.stringify({ shards, seals_file: paymentProof.sealsFile }))
        return 0
      }
      const rows = shards.map((shard) => [
        ...[shard.shard, shard.events, shard.sealed_events, shard.seals],
        ...[shard.sealed_at ?? '', shard.key_id ?? ''],
      ])
      terminal.out(table(['shard', 'events', 'sealed', 'seals', 'last sealed at', 'key'], rows))
      terminal.say(`copies of the seals: ${paymentProof.sealsFile ?? 'none'}`)
      return 0
    })
  },
}
