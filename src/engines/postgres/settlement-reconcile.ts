/** What the file has been compared with already: the same subject in a file that was imported before this one. */
const SETTLED_BEFORE = `
exists (
  select from settlement_items e join settlement_files f on f.settlement_id = e.settlement_id
  where e.subject_id = c.subject_id and e.type = c.type and e.line is not null and e.settlement_id <> $1
    and (f.imported_at, f.settlement_id) < ($5::timestamptz, $1))`

/** Something of ours that neither this file nor another has. */
const isMissing = (subject: string, type: string) => `
not exists (select from chosen c where c.subject_id = ${subject} and c.type = ${type})
  and not exists (
    select from settlement_items e
    where e.subject_id = ${subject} and e.type = ${type} and e.line is not null and e.settlement_id <> $1)`

/**
 * Compares a file ($1, of processor $2, about $3 to $4, imported at $5) with operations and disputes. Each line takes the
 * operation with its id, else the one with its reference, of several the one with its amount. What we have in the period,
 * requested before $6, and no file has, comes behind the lines.
 */
export const RECONCILE = `
with lines as (
  select line, type, nullif(reference, '') as reference, nullif(op_id, '') as op_id, amount, currency, occurred_at,
    case type when 'charge' then 'capture' when 'refund' then 'refund' when 'refund_reversal' then 'refund' end as kind
  from settlement_lines where settlement_id = $1),
named as (
  select l.line, 1 as rank, o.shard, o.op_id, o.payment_intent_id, o.settled, o.status
  from lines l join payment_operations o on o.op_id = l.op_id and o.kind = l.kind and o.processor = $2
  union all
  select l.line, case when o.settled = abs(l.amount) then 2 else 3 end, o.shard, o.op_id, o.payment_intent_id, o.settled,
    o.status
  from lines l join payment_operations o on o.reference = l.reference and o.kind = l.kind and o.processor = $2),
best as (select distinct on (line) * from named order by line, rank, op_id),
chosen as (
  select l.line, l.type, b.op_id as subject_id, b.payment_intent_id, b.settled as amount, p.currency,
    case l.type when 'refund_reversal' then b.status = 'failed' and b.settled > 0 else b.settled > 0 end as agreed
  from best b join lines l on l.line = b.line
  join payment_intents p on p.shard = b.shard and p.payment_intent_id = b.payment_intent_id
  union all
  select l.line, l.type, d.dispute_id, d.payment_intent_id, d.amount, d.currency,
    l.type = 'dispute' or d.status = 'won'
  from lines l join payment_disputes d on d.dispute_id = l.reference and d.processor = $2
  where l.type in ('dispute', 'dispute_reversal')),
compared as (
  select l.line, l.type, l.occurred_at, c.subject_id, c.payment_intent_id, c.amount as expected_amount,
    c.currency as expected_currency,
    array_remove(array[
      case when c.amount <> case when l.type in ('refund', 'dispute') then abs(l.amount) else l.amount end and c.agreed
        then 'amount' end,
      case when c.currency <> l.currency then 'currency' end,
      case when not c.agreed then 'outcome' end,
      case when row_number() over (partition by c.subject_id, c.type order by l.line) > 1 or ${SETTLED_BEFORE}
        then 'settled_before' end], null) as differences
  from lines l join chosen c on c.line = l.line),
all_items as (
  select l.line as item_no,
    case when l.type in ('fee', 'payout', 'adjustment') then 'not_compared' when c.line is null then 'unknown'
      when c.differences = '{}' then 'matched' else 'differing' end as result,
    coalesce(c.differences, '{}') as differences, l.line, l.type, c.subject_id, c.payment_intent_id, c.expected_amount,
    c.expected_currency, l.occurred_at
  from lines l left join compared c on c.line = l.line
  union all
  select (select coalesce(max(line), 0) from lines) + row_number() over (order by m.occurred_at, m.subject_id), 'missing',
    '{}', null, m.type, m.subject_id, m.payment_intent_id, m.amount, m.currency, m.occurred_at
  from (
    select case o.kind when 'capture' then 'charge' else 'refund' end as type, o.op_id as subject_id, o.payment_intent_id,
      o.settled as amount, p.currency, o.requested_at as occurred_at
    from payment_operations o
    join payment_intents p on p.shard = o.shard and p.payment_intent_id = o.payment_intent_id
    where o.processor = $2 and o.kind in ('capture', 'refund') and o.status = 'succeeded' and o.settled > 0
      and o.requested_at >= $3 and o.requested_at < $4 and o.requested_at < $6
      and ${isMissing('o.op_id', `case o.kind when 'capture' then 'charge' else 'refund' end`)}
    union all
    select 'dispute', d.dispute_id, d.payment_intent_id, d.amount, d.currency, d.opened_at
    from payment_disputes d
    where d.processor = $2 and d.opened_at >= $3 and d.opened_at < $4 and d.opened_at < $6
      and ${isMissing('d.dispute_id', `'dispute'`)}) m)
insert into settlement_items (settlement_id, item_no, result, differences, line, type, subject_id, payment_intent_id,
  expected_amount, expected_currency, occurred_at)
select $1, item_no, result, differences, line, type, subject_id, payment_intent_id, expected_amount, expected_currency,
  occurred_at
from all_items`
