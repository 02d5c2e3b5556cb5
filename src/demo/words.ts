/** Words that the made-up world is made of. Surnames, streets and products are put together from parts; nobody is meant. */
export const FIRST_NAMES = [
  ...['Ada', 'Alma', 'Amir', 'Anders', 'Anika', 'Aoife', 'Asha', 'Bela', 'Birk', 'Bruno', 'Carla', 'Cem', 'Chiara'],
  ...['Dalia', 'Dario', 'Devi', 'Edda', 'Elif', 'Emil', 'Enzo', 'Esra', 'Farid', 'Femi', 'Finn', 'Gala', 'Greta'],
  ...['Hana', 'Henrik', 'Hugo', 'Ida', 'Ines', 'Ivo', 'Jana', 'Jonas', 'Juna', 'Kai', 'Kaya', 'Kofi', 'Lale', 'Lena'],
  ...['Levi', 'Lina', 'Luca', 'Maja', 'Malik', 'Mara', 'Mateo', 'Mei', 'Mila', 'Nadia', 'Nia', 'Nils', 'Nora', 'Olek'],
  ...['Omar', 'Oona', 'Paula', 'Pia', 'Priya', 'Quentin', 'Rafa', 'Rana', 'Remy', 'Rosa', 'Ruben', 'Sami', 'Sana'],
  ...['Selma', 'Sora', 'Tala', 'Tamsin', 'Teo', 'Tilda', 'Uma', 'Vera', 'Viggo', 'Wanda', 'Yara', 'Yuki', 'Zara'],
]
/** With letters beyond ASCII: name and what the handle is made of. */
export const OTHER_FIRST_NAMES = [
  ...[
    ['Zoë', 'zoe'],
    ['Björn', 'bjorn'],
    ['Łucja', 'lucja'],
    ['José', 'jose'],
    ['Ngọc', 'ngoc'],
    ['Şule', 'sule'],
  ],
  ...[
    ['Ольга', 'olga'],
    ['Ελένη', 'eleni'],
    ['さくら', 'sakura'],
    ['明', 'ming'],
    ['ليلى', 'layla'],
    ['Čeněk', 'cenek'],
  ],
] as const
export const NAME_STARTS = [
  'Alder',
  'Birch',
  'Brook',
  'Clear',
  'Elm',
  'Fern',
  'Gold',
  'Green',
  'Heath',
  'Lark',
  'Marsh',
]
export const NAME_MIDDLES = [
  'Moor',
  'North',
  'Oak',
  'Pine',
  'Quill',
  'Reed',
  'Silver',
  'Stone',
  'Thorn',
  'West',
  'Wild',
]
export const NAME_ENDS = [
  'bank',
  'brook',
  'dale',
  'field',
  'ford',
  'gate',
  'ley',
  'mere',
  'ridge',
  'side',
  'wood',
  'wyn',
]

export interface City {
  readonly city: string
  readonly region?: string
  readonly country: string
  readonly postalCode: string
  readonly weight: number
}
export const CITIES: readonly City[] = [
  { city: 'New York', region: 'NY', country: 'US', postalCode: '10001', weight: 14 },
  { city: 'Los Angeles', region: 'CA', country: 'US', postalCode: '90001', weight: 9 },
  { city: 'Chicago', region: 'IL', country: 'US', postalCode: '60601', weight: 7 },
  { city: 'Houston', region: 'TX', country: 'US', postalCode: '77001', weight: 5 },
  { city: 'Seattle', region: 'WA', country: 'US', postalCode: '98101', weight: 5 },
  { city: 'Denver', region: 'CO', country: 'US', postalCode: '80201', weight: 3 },
  { city: 'Boston', region: 'MA', country: 'US', postalCode: '02108', weight: 4 },
  { city: 'Atlanta', region: 'GA', country: 'US', postalCode: '30301', weight: 3 },
  { city: 'Toronto', region: 'ON', country: 'CA', postalCode: 'M5H 2N2', weight: 6 },
  { city: 'Montréal', region: 'QC', country: 'CA', postalCode: 'H2Y 1C6', weight: 3 },
  { city: 'Vancouver', region: 'BC', country: 'CA', postalCode: 'V6B 1A1', weight: 3 },
  { city: 'London', country: 'GB', postalCode: 'EC1A 1BB', weight: 9 },
  { city: 'Manchester', country: 'GB', postalCode: 'M1 1AE', weight: 3 },
  { city: 'Berlin', country: 'DE', postalCode: '10115', weight: 7 },
  { city: 'Hamburg', country: 'DE', postalCode: '20095', weight: 3 },
  { city: 'München', country: 'DE', postalCode: '80331', weight: 4 },
  { city: 'Paris', country: 'FR', postalCode: '75001', weight: 7 },
  { city: 'Lyon', country: 'FR', postalCode: '69001', weight: 2 },
  { city: 'Madrid', country: 'ES', postalCode: '28001', weight: 4 },
  { city: 'Milano', country: 'IT', postalCode: '20121', weight: 3 },
  { city: 'Amsterdam', country: 'NL', postalCode: '1011', weight: 4 },
  { city: 'Zürich', country: 'CH', postalCode: '8001', weight: 2 },
  { city: 'Wien', country: 'AT', postalCode: '1010', weight: 2 },
  { city: 'København', country: 'DK', postalCode: '1050', weight: 2 },
  { city: 'Tokyo', country: 'JP', postalCode: '100-0001', weight: 4 },
  { city: 'Sydney', region: 'NSW', country: 'AU', postalCode: '2000', weight: 3 },
]

/** Each category with its kinds of products and about what these cost, in cents. */
export const CATEGORIES: readonly {
  name: string
  weight: number
  season?: number
  kinds: readonly [string, number][]
}[] = [
  {
    ...{ name: 'Cameras', weight: 9, season: 12 },
    kinds: [
      ['Compact camera', 34_900],
      ['Field camera', 89_900],
      ['Wide lens', 42_500],
      ['Tripod', 7_900],
    ],
  },
  {
    ...{ name: 'Audio', weight: 12, season: 12 },
    kinds: [
      ['Headphones', 12_900],
      ['Desk speaker', 15_900],
      ['Radio', 6_900],
      ['Microphone', 9_900],
    ],
  },
  {
    ...{ name: 'Kitchen', weight: 16, season: 12 },
    kinds: [
      ['Kettle', 4_900],
      ['Chef knife', 6_500],
      ['Coffee grinder', 8_900],
      ['Cast-iron pan', 5_400],
    ],
  },
  {
    ...{ name: 'Garden', weight: 11, season: 5 },
    kinds: [
      ['Watering can', 2_900],
      ['Hand trowel', 1_900],
      ['Seed box', 1_200],
      ['Garden lamp', 3_900],
    ],
  },
  {
    ...{ name: 'Books', weight: 18 },
    kinds: [
      ['Atlas', 4_500],
      ['Field guide', 2_200],
      ['Cookbook', 2_900],
      ['Novel', 1_500],
    ],
  },
  {
    ...{ name: 'Outdoor', weight: 12, season: 7 },
    kinds: [
      ['Rucksack', 9_900],
      ['Two-person tent', 24_900],
      ['Head torch', 3_400],
      ['Water bottle', 1_800],
    ],
  },
  {
    ...{ name: 'Stationery', weight: 14, season: 9 },
    kinds: [
      ['Notebook', 1_100],
      ['Fountain pen', 3_800],
      ['Ink', 900],
      ['Desk calendar', 1_600],
    ],
  },
  {
    ...{ name: 'Toys', weight: 8, season: 12 },
    kinds: [
      ['Wooden train', 3_900],
      ['Kite', 2_400],
      ['Puzzle', 1_900],
      ['Marble run', 4_400],
    ],
  },
]
export const MAKES = [
  'Alba',
  'Boreal',
  'Cirrus',
  'Delta',
  'Estuary',
  'Fjord',
  'Granit',
  'Harbour',
  'Isthmus',
  'Juniper',
]

export const TOPICS: readonly { tag: string; things: readonly string[]; shows: readonly string[] }[] = [
  {
    tag: 'photography',
    things: ['the light over the harbour', 'an old field camera', 'long exposures', 'fog on the bridge'],
    shows: ['A harbour at dusk, boats in a row', 'A bridge half hidden in fog'],
  },
  {
    tag: 'gardening',
    things: ['the tomatoes', 'a row of beans', 'the compost', 'the first frost'],
    shows: ['Ripe tomatoes on a wooden table', 'Beans climbing up a string'],
  },
  {
    tag: 'cooking',
    things: ['a slow ragout', 'sourdough, third try', 'pickled radishes', 'my grandmother’s soup'],
    shows: ['A loaf of bread, cut open', 'A bowl of soup with herbs'],
  },
  {
    tag: 'books',
    things: ['a novel about lighthouses', 'an atlas of rivers', 'short stories', 'the last chapter'],
    shows: ['A stack of books beside a window'],
  },
  {
    tag: 'hiking',
    things: ['the ridge trail', 'a night in the hut', 'the long way round', 'new boots'],
    shows: ['A path along a ridge under clouds', 'Wet boots beside a stove'],
  },
  {
    tag: 'music',
    things: ['a quartet in the park', 'an old radio play', 'practice, day 40', 'a song without words'],
    shows: ['Four music stands on a lawn'],
  },
  {
    tag: 'cycling',
    things: ['the river route', 'a flat tyre in the rain', 'the hill behind the town', 'a borrowed bike'],
    shows: ['A bicycle leaning on a stone wall'],
  },
  {
    tag: 'making',
    things: ['a shelf that is almost level', 'the first joint that fits', 'a lamp from driftwood', 'glue everywhere'],
    shows: ['A half-finished shelf on a workbench'],
  },
]
export const OPENINGS = [
  'Today:',
  'Still thinking about',
  'A good morning for',
  'Nobody told me about',
  'Small progress on',
]
export const MORE_OPENINGS = ['Finally tried', 'Notes on', 'Not sure about', 'Ask me anything about', 'Weekend plan:']
export const ENDINGS = [
  'Worth it.',
  'More soon.',
  'Who else?',
  'I would do it again.',
  'It took all day.',
  'Ideas welcome.',
]
export const MORE_ENDINGS = [
  'Never again.',
  'Quiet and slow.',
  'Better than last year.',
  'Details in the next post.',
  '',
]
export const COMMENTS = ['Lovely.', 'How long did it take?', 'I want to try that too.', 'Same here!', 'Where is this?']
export const MORE_COMMENTS = [
  'Well done.',
  'Tell us more.',
  'That made my day.',
  'I disagree, kindly.',
  'Saved for the weekend.',
]
