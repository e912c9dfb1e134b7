"""A second set for near duplicates, written before it was first run: 140 traps, 110 paraphrases.

``{one|other}`` stands for the two wordings of a trap. The gate was then mended and widened with it at hand.
"""

import re

Pair = tuple[str, str]

_TRAPS = """\
Does {Ann owe Ben|Ben owe Ann} money if she paid for lunch?
If {Mia lent Tom|Tom lent Mia} 20 pounds, who has to pay back?
Who won when {Arsenal beat Chelsea|Chelsea beat Arsenal} in the final?
Can {a dog infect a human|a human infect a dog} with worms?
Did {Brutus kill Caesar|Caesar kill Brutus}?
Is {the son taller than the father|the father taller than the son}?
Why did {France declare war on Prussia|Prussia declare war on France} in 1870?
Should {the buyer pay the seller|the seller pay the buyer} for shipping?
What is the brother of {the wife of Tom|Tom's husband} called?
Who is {the wife of the brother|the brother of the wife} of King Henry VIII?
Please tell me how many days are in {two|three} weeks.
What is {twelve|twenty} times eleven?
Give me {a dozen|a score of} words that rhyme with cat.
What is {one half|one third} of ninety?
How do I cook for {fifteen|fifty} guests?
Is {a million|a billion} seconds longer than a year?
What is the {fifth|sixth} planet from the sun?
Who was the {seventeenth|eighteenth} president of the United States?
How old is someone born in {MCMXC|MCMXCI}?
What is {0.1 + 0.2|0.1 + 0.02}?
What is {1e5|1e6} in decimal notation?
What is {1,5|15} in words?
How much is {2^10|2*10}?
What is {3/4|4/3} as a percentage?
What is {-7|7} modulo 3?
What is {7 - 2|2 - 7}?
What is {12 / 4|4 / 12}?
What is {8 divided by 2|2 divided by 8}?
Subtract {8 from 3|3 from 8}.
What is {log base 2 of 8|log base 8 of 2}?
How many {bits|bytes} are in a megabyte?
How hot is 300 {kelvin|fahrenheit} in Celsius?
What is 5 {m|mm} in inches?
How long is 3 {nautical miles|miles} in metres?
What is 10 {mph|m/s} in km/h?
How much is {5 GB|5 Gb} of data?
Convert 100 {kPa|MPa} to psi.
How much is {$100|€100} worth today in yen?
How many ml are in a {US|UK} pint?
Is it {legal|illegal} to record a phone call in Ohio?
Is this reaction {reversible|irreversible}: water freezing?
Are viruses {alive|dead}?
Was the treaty {fair|unfair} to Germany?
How do I make a list {mutable|immutable} in Python?
Which metals are {soluble|insoluble} in water?
What makes an argument {valid|invalid}?
Is it {possible|impossible} to square the circle?
How do I {install|uninstall} Docker on Ubuntu?
How do I {lock|unlock} a SIM card?
How do I {mount|unmount} a disk in Linux?
Is cholesterol {harmful|harmless}?
Which mushrooms are {edible|not edible}?
Why {should|shouldn't} I freeze eggs?
What {can|can't} you bring on a plane?
Is it true that bats are {blind|not blind}?
What happens if I {take|never take} my statins?
Which planets have {no|more} moons?
Can you compile Rust {with|without} LLVM?
Is anyone {except|including} the owner allowed in?
Is copper {harder|softer} than iron?
Which costs {more|less}, a cat or a dog?
Which city is {older|newer}, Rome or Athens?
Who has {more than|fewer than} 100 goals for England?
Which is the {second largest|largest} city in Spain?
What is the {highest|lowest} point in Africa?
Is a {bigger|smaller} screen better for the eyes?
Is it {as big as|bigger than} an elephant?
Are {all|some} prime numbers odd?
Do {most|all} birds fly?
Did {none|some} of the Beatles read music?
Can {each|either} parent sign the form?
Do {many|few} people survive rabies?
Is there {a|only one} solution to x squared equals 4?
Does {everybody|anybody} need a visa for Japan?
Do vitamins work if I take them {before|after} a meal?
What was Britain called {before|after} the Romans came?
Should I stretch {before|during} a run?
Who was chancellor {until|since} 2005?
What happened on {4 June|6 April} 1989?
What happened on {3/4/2020|4/3/2020}?
What is the weather in Oslo in {June|July}?
What happened in the {1860s|1680s}?
Is the shop open on {weekdays|weekends}?
How many days until {Easter|Christmas}?
When {is|was} the next election in Canada?
Who {is|was} the prime minister of Italy?
What {do|did} people eat in Sparta?
What {would|will} happen if the dollar fell?
{Had|Has} the law been changed in Texas?
How do {I|you} look in a red dress?
How {do|would} I look in this hat?
How {do|can} I sound on the phone?
What did {he|she} say to the judge?
Is {my|your} data safe with this app?
Who am {I|you} in this story?
What do {we|they} want from the union?
What does {map|filter} do in JavaScript?
What is the difference between {let and var|let and const}?
How do I use {os.path.join|os.path.split}?
What does {user_id|userId} mean in this schema?
What does {git reset --soft|git reset --hard} do?
What does {chmod 644|chmod 664} do?
What does {rm -r|rm -rf} do?
What does {ls .|ls} do in bash?
What does {!|?} mean in C?
What does the regex {a.|a} match in Perl?
What is {i++|++i} in C?
What is {None|null} in Python?
What is {*p|&p} in C?
What is {a & b|a && b} in Java?
Is {x<y|x>y} when both are negative?
How do I exit {vi|vim}?
How do I parse JSON in {Go|Rust}?
How do I read a file in Python {2|3}?
What does {HTTP 401|HTTP 403} mean?
What does {TCP|UDP} stand for?
How do you say good night in {Danish|Dutch}?
What is {water in Spanish|Spanish water}?
Translate {from English to French|from French to English}: chat.
Translate 'I like {tea|coffee}' into Greek.
What does {gift mean in German|German gift mean}?
Answer with {yes or no|a, b or c}: is tea hot?
Which is best: {a) gold b) oil|a) oil b) gold}?
Write a {short|long} poem about rain.
Write a poem {about|without} rain.
Explain it to {a child|an expert}: what is entropy?
Summarise {Macbeth|Hamlet} in one line.
Who painted {The Kiss|The Scream}?
What is the capital of {the Congo|Congo-Brazzaville}?
How far is {Cambridge|Oxford} from London?
Is {Turkey|turkey} good in winter?
When did {Bush senior|Bush junior} take office?
What is {matter|the matter} in a star?
What is {the matter|matter} with gravity?
How should I sign {thank you|please}?
How do children say {thanks|please}?
{Find|What is} the square root button in Excel?
How many {people live|cars are} in Lagos?
What is the {mean|median} of 3, 5 and 100?
How {tall|old} is the Eiffel Tower?"""

_PARAPHRASES = """\
How do I boil an egg? / What is the best way to boil an egg?
What's the capital of Mongolia? / Which city is the capital of Mongolia?
Who invented the telephone? / Who was the inventor of the telephone?
How far is the moon from the earth? / What is the distance from the earth to the moon?
When was the Magna Carta signed? / In what year was the Magna Carta signed?
What is photosynthesis? / Explain photosynthesis.
What is a black hole? / What are black holes?
How do vaccines work? / Can you explain how vaccines work?
Why do cats purr? / What makes cats purr?
How long does it take to fly to Tokyo? / How much time does it take to fly to Tokyo?
How do I sort a dict by value in Python? / In Python, how can I sort a dict by value?
How do I undo my last git commit? / How can I undo my last git commit?
How to center a div in CSS / How do I center a div with CSS?
What does a mutex do? / What is a mutex for?
What's the difference between TCP and UDP? / How do TCP and UDP differ?
What is the difference between a list and a tuple? / Difference between a list and a tuple?
How do I list files in a directory in Linux? / How do I list the files of a directory in Linux?
Write a haiku about autumn. / Please write me a haiku about autumn.
Write a regex that matches an email address. / Give me a regex for matching an email address.
Write a SQL query that counts users per country. / Write an SQL query to count users per country.
What is 17 * 23? / Calculate 17 times 23.
What is 15% of 240? / How much is 15 percent of 240?
What is the square root of 144? / Find the square root of 144.
What is the sum of the first 100 integers? / Compute the sum of the first 100 integers.
Solve 2x + 3 = 11. / Solve for x: 2x + 3 = 11
What's the derivative of sin(x)? / Differentiate sin(x).
What is the area of a circle with radius 3? / Calculate the area of a circle with a radius of 3.
How many seconds are there in a day? / How many seconds are in a day?
How many ounces in a pound? / How many ounces are there in a pound?
Convert 10 miles to km. / How many km is 10 miles?
What is 100 F in Celsius? / Convert 100 F to Celsius.
Who wrote Don Quixote? / Who is the author of Don Quixote?
Who painted the Mona Lisa? / Who was the Mona Lisa painted by?
Who is the CEO of Toyota? / Who's the CEO of Toyota?
What language do they speak in Brazil? / Which language is spoken in Brazil?
What currency is used in Thailand? / What is the currency of Thailand?
How tall is the Eiffel Tower? / What is the height of the Eiffel Tower?
How old is the universe? / What is the age of the universe?
What is the longest river in the world? / What is the world's longest river?
What is the tallest building in Dubai? / Which building is the tallest in Dubai?
Which planet is closest to the sun? / What planet is closest to the sun?
How many bones does an adult have? / What is the number of bones in an adult?
What causes thunder? / Why does it thunder?
Is it safe to eat raw eggs? / Is eating raw eggs safe?
Can dogs eat grapes? / Are dogs allowed to eat grapes?
Is glass a liquid? / Would you say glass is a liquid?
How do I get red wine out of a carpet? / How do I remove red wine from a carpet?
How do I remove rust from a bike chain? / What's the best way to get rust off a bike chain?
How can I fall asleep faster? / How do I fall asleep faster?
How do I tie a bow tie? / Show me how to tie a bow tie.
How do I change a flat tyre? / How do I change a flat tire?
What are the symptoms of flu? / What are the symptoms of the flu?
What are the side effects of ibuprofen? / Which side effects does ibuprofen have?
How much sleep does a teenager need? / How much sleep do teenagers need?
How much water should I drink per day? / How much water should I drink a day?
How many calories are in a banana? / How many calories does a banana have?
What foods contain iron? / Which foods contain iron?
How do I make pancakes? / Could you give me a recipe for pancakes?
What can I use instead of butter? / What is a substitute for butter?
Give me three ideas for dinner. / Give me 3 ideas for dinner.
Suggest a name for a cat. / Can you suggest a name for a cat?
List five synonyms of happy. / Give me five synonyms for happy.
What does ubiquitous mean? / What is the meaning of ubiquitous?
Define entropy. / What is the definition of entropy?
What is another word for angry? / What's another word for angry?
How do you say thank you in Japanese? / What is thank you in Japanese?
Translate 'good luck' into Italian. / Translate 'good luck' to Italian.
What's the plural of octopus? / What is the plural form of octopus?
When did the Berlin Wall fall? / In which year did the Berlin Wall fall?
Why did the Roman Empire collapse? / What caused the collapse of the Roman Empire?
Who won the 2014 World Cup? / Who won the World Cup in 2014?
Where is the Great Barrier Reef? / Where is the Great Barrier Reef located?
What is the population of Iceland? / How many people live in Iceland?
What are the official languages of Switzerland? / List the official languages of Switzerland.
Tell me a joke about programmers. / Please tell me a joke about programmers!
Name the seven wonders of the ancient world. / What are the seven wonders of the ancient world?
How does a heat pump work? / Explain how a heat pump works.
What is machine learning? / Could you explain what machine learning is?
What is the meaning of HTTP 404? / What does HTTP 404 mean?
How do I kill a process on port 8080? / How do I kill the process on port 8080?
How do I install numpy with pip? / How can numpy be installed with pip?
How do I check my Python version? / How can I check which Python version I have?
How do I reverse a string in Java? / Reverse a string in Java: how?
Write a Python function that checks if a number is prime. / Write a Python function to check if a number is prime.
What is Docker used for? / What do people use Docker for?
What's a closure in JavaScript? / What is a closure in JavaScript?
Explain recursion to a child. / Explain recursion to a kid.
What is inflation? / hi, what is inflation? thanks!
Pros and cons of remote work? / What are the pros and cons of remote work?
What is compound interest? / How would you define compound interest?
How is GDP calculated? / How do you calculate GDP?
How do I write a cover letter? / Any tips on how to write a cover letter?
How do I ask my boss for a raise? / What is a good way to ask my boss for a raise?
How long do cats live? / What is the lifespan of cats?
How fast can a cheetah run? / How fast does a cheetah run?
What do pandas eat? / What does a panda eat?
Do fish sleep? / I was wondering, do fish sleep?
Is Pluto a planet? / is pluto a planet
Is coffee bad for you? / Is coffee unhealthy?
Should I learn Rust or Go first? / Should I first learn Rust or Go?
When should I plant tomatoes? / What's the right time to plant tomatoes?
What time is it in Sydney when it is noon in London? / When it is noon in London, what time is it in Sydney?
At what temperature does water boil? / What temperature does water boil at?
What is the boiling point of mercury? / At what temperature does mercury boil?
How heavy is an elephant? / How much does an elephant weigh?
How do I delete a branch in git? / How do I delete a git branch?
How do I copy a file in Linux? / How to copy a file on Linux
What are the rules of chess? / Explain the rules of chess.
What is the fastest animal on land? / What's the fastest land animal?
Why is the ocean salty? / Why is the sea salty?"""


def traps() -> list[Pair]:
    """Return pairs that must never share an answer."""
    return split_up(_TRAPS)


def paraphrases() -> list[Pair]:
    """Return pairs that ask the same."""
    return beside(_PARAPHRASES)


def split_up(lines: str) -> list[Pair]:
    """Return a pair for each line: what stands on the left of its bars, and on their right."""
    return [(_wording(line, 1), _wording(line, 2)) for line in lines.splitlines()]


def beside(lines: str) -> list[Pair]:
    """Return a pair for each line: what stands on the left of its slash, and on its right."""
    return [
        (one, other) for one, _, other in (line.partition(" / ") for line in lines.splitlines())
    ]


def _wording(line: str, which: int) -> str:
    return re.sub(r"\{([^|{}]*)\|([^|{}]*)\}", lambda found: found[which], line)
