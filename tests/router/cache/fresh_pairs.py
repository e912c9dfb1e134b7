"""A third set for near duplicates, written after the gate was done and run once: 80 traps, 60 paraphrases."""

from tests.router.cache.held_out_pairs import Pair, beside, split_up

_TRAPS = """\
What is the {best|easiest} way to cook rice?
What is the {best|worst} way to lose weight?
How do I replace {Java with Python|Python with Java}?
How do I call {C from Rust|Rust from C}?
How do I run {Linux on Windows|Windows on Linux}?
How do I move {from Excel to SQL|from SQL to Excel}?
How do I write tests {for|in} Go?
How do I {take time|take the time off}?
How do I delete {a file|all files} in Linux?
How do I delete {the files|the file} in Linux?
What is {a good book|the good book}?
What are {good movies|a good movie} for children?
What is {time|the time} in Tokyo?
What is {love|the love} of Romeo?
What is {west|the west} of France?
What {are the planets|is a planet}?
Does {a|every} bird fly?
Does {a|the} president have a salary?
Is {a|this} tomato a fruit?
Are tomatoes {fruits|always fruits}?
Does {a cat eat a mouse|a mouse eat a cat}?
Do {dogs fear cats|cats fear dogs}?
How many {people live|people work} in Lyon?
How many people live in Lyon{| alone}?
How many {km|miles} are in 10 {km|miles}?
Convert 10 {miles to km|km to miles}.
How many {pints are in 3 gallons|gallons are in 3 pints}?
How {old|tall} is the Burj Khalifa?
Who is the {author|illustrator} of Matilda?
Who {wrote|directed} The Shining?
What {does mercury mean|is mercury}?
Name {three|four} noble gases.
Name {three|all} noble gases.
Give me 3 {cat|dog} names.
Write a function that {adds|deletes} users.
Write a function that adds {a user|two users}.
Write a story that {includes|excludes} a dragon.
Explain how {magnets|motors} work.
How does a {heat pump|heart pump} work?
How does my {printer|scanner} work?
When it is noon in {Rome, what time is it in Lima|Lima, what time is it in Rome}?
If {Ann is older than Bob|Bob is older than Ann}, who was born first?
If a train leaves at {3 pm|3 am}, when does it arrive after two hours?
In {1914|1941}, who was president of the United States?
With {salt|sugar}, how long does jam keep?
{On|From} what date is the new law valid?
At what {time|place} does the race start?
What year {did|will} the next comet come?
{Is it exactly|Is it} 5 metres long?
Is a {big|small} bike safer for a kid?
Is a {kid's bike|bike a kid's toy}?
How do I {buy|sell} a used car?
How do I {begin|end} a letter?
Is the {sea|lake} salty?
Where is the {Tower Bridge|London Bridge} located?
How much {does|did} bread cost a week?
How many calories {a|per two} day should I eat?
What is the difference between {a and b|a, b and c}?
Pros and cons of {solar|nuclear} power?
How do you say {hello|goodbye} in Thai?
Hi! in German: {how|when} do I use it?
{Hello|Goodbye} in Thai is what?
Translate into Czech: good morning, {thanks|please}.
Translate into Czech: {hello|thank you}, my friend.
How do I print {hello|hello!} in Python?
How do I print "{a  b|a b}" in C?
How do I escape {'|`} in SQL?
What does {/|\\} mean in a path?
What does the pattern {ab*|ab} match?
What does {$?|$!} mean in bash?
What does {a?b|a!b} mean?
Is {3.0 == 3|3.0 === 3} true in JavaScript?
What is {5! + 1|5 + 1}?
What is {(-2)^2|-2^2}?
What is 10 {% of|% 3 of} 50?
Who wins if {rock meets paper|rock meets scissors}?
Can {an adult|a minor} sign for a parcel?
Did {anyone|no one} survive the Titanic?
Is {US law|us law} binding?
How would {I|you} describe love?"""

_PARAPHRASES = """\
How do I make coffee without a machine? / How can I make coffee without a machine?
What is the capital of Latvia? / hey, what's the capital of Latvia?
How do I merge two dicts in Python? / In Python, how do I merge two dicts?
How do I grep recursively in Linux? / What's the best way to grep recursively on Linux?
What is a monad? / What are monads?
What is the currency of Chile? / What is Chile's currency?
How tall is Big Ben? / What's the height of Big Ben?
How old is the Colosseum? / What is the age of the Colosseum?
Who wrote Moby-Dick? / Who's the author of Moby-Dick?
Convert 26 miles to kilometres. / How many kilometres are in 26 miles?
What is 45 * 12? / Could you calculate 45 times 12, please?
What's 20% of 90? / How much is 20 percent of 90?
Why do leaves change colour in autumn? / Why do leaves change color in the fall?
How does a microwave work? / Can you explain how a microwave works?
How do planes fly? / How does a plane fly?
Which animals hibernate? / What animals hibernate?
Does a snake have ears? / Do snakes have ears?
How many teeth does a dog have? / How many teeth do dogs have?
Is a whale a mammal? / Are whales mammals?
What is the largest desert in the world? / What's the world's largest desert?
What is the deepest lake on earth? / Which lake is the deepest on earth?
List three uses of vinegar. / Give me 3 uses of vinegar.
Write a limerick about cheese. / Can you write me a limerick about cheese?
Write a Java method that reverses a string. / Write a Java method to reverse a string.
What are the pros and cons of electric cars? / Pros and cons of electric cars
What does idempotent mean? / What is the meaning of idempotent?
What is the definition of a prime number? / Define a prime number.
Tell me the population of Malta. / How many people live in Malta?
What's the weather like on Mars? / What is the weather like on Mars?
How much protein should I eat per day? / How much protein should I eat each day?
How often should I water a cactus? / How frequently should a cactus be watered?
How do I cite a website in APA? / What's the APA format for citing a website?
How do I stop hiccups? / How do you get rid of hiccups?
When was penicillin discovered? / When did they discover penicillin?
Where is Machu Picchu? / Where is Machu Picchu located?
What is the boiling point of ethanol? / I'd like to know the boiling point of ethanol.
Do I need a visa for Vietnam? / I was wondering: do I need a visa for Vietnam?
What is the difference between affect and effect? / Affect vs effect: what is the difference?
How do I convert a string to an int in Java? / How do I turn a string into an int in Java?
How do I fix a leaking tap? / How do I repair a leaking tap?
How do I speed up my laptop? / How can I make my laptop faster?
How can I learn Spanish quickly? / What is the fastest way to learn Spanish?
How do I create a virtual environment in Python? / How to create a Python virtual environment?
How do I list all the tables in SQL? / How do I list all tables in SQL?
How do I find the length of an array in JavaScript? / How do I get an array's length in JavaScript?
How do I read a CSV file with pandas? / How to read CSV files with pandas
How do I kill a process in Linux? / How do I kill the process in Linux?
What is REST? / Explain REST.
What is the time complexity of quicksort? / Tell me quicksort's time complexity.
If I toss two coins, what is the chance of two heads? / What is the chance of two heads if I toss two coins?
Solve x^2 - 5x + 6 = 0. / What are the roots of x^2 - 5x + 6 = 0?
What is the integral of 1/x? / Find the integral of 1/x.
What is the mean of 4, 8 and 15? / Calculate the mean of 4, 8 and 15.
What can I cook with leftover rice? / What can I make from leftover rice?
How long do eggs keep in the fridge? / How long do eggs keep in the refrigerator?
What exactly is a quasar? / What is a quasar?
Can you tell me who discovered radium? / Who discovered radium?
Who was the first person on the moon? / Who was the first man to walk on the moon?
Suggest three books about Rome. / Can you suggest three books about Rome?
What is the tallest mountain in Japan? / Name the tallest mountain in Japan."""


def fresh_traps() -> list[Pair]:
    """Return pairs that must never share an answer."""
    return split_up(_TRAPS)


def fresh_paraphrases() -> list[Pair]:
    """Return pairs that ask the same."""
    return beside(_PARAPHRASES)
