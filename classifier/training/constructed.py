"""Questions written by us: contest problems, their their school-book twins, chores and plain facts.

Open data holds hard problems almost only as English LaTeX, so a model learns that a problem typed
without LaTeX, or in another language, is easy. These rows say otherwise, and their twins keep the
words ("triangle", "prime") from standing for hardness. Labels are levels, so OUR ASSUMPTIONS;
``labels.py`` turns them into success rates. No sentence here is taken from a contest.
"""

import random

from classifier.training.dataset import Question

SOURCE = "constructed_problems"

CONTEST: dict[str, str] = {
    "en": """Let n be a positive integer greater than {a}. Prove that among any n + {b} integers there are two whose difference is divisible by n.
Find all functions f from the real numbers to the real numbers such that f(x + f(y)) = f(x) + {a}y for all real x and y.
Determine all pairs (m, n) of positive integers such that m^2 + {a}n divides n^2 + {b}m.
In triangle ABC the incircle touches BC at D. The line AD meets the incircle again at E. Show that the circle through B, E and C is tangent to the circle with diameter DE only if AB = AC.
Each cell of a {c} by {c} board is coloured black or white so that every 2 by 2 square has an even number of black cells. How many such colourings are there, and which of them have exactly {b} black rows?
A set S of integers has {c} elements. Show that S has a nonempty subset whose sum is divisible by {c}, and find the smallest k such that two disjoint such subsets exist for every S with k elements.
Points P and Q lie on the circumcircle of an acute triangle ABC with orthocenter H, and PQ passes through H. Prove that the reflections of the line PQ in the sides of the triangle are concurrent.
Find the largest real number k such that (a + b + c)^{a} >= k abc for all positive real numbers a, b, c with ab + bc + ca = {b}.
In a tournament with {c} players everyone plays everyone once and there are no draws. Prove that some player can be reached from every other player by a chain of at most two wins.
Let p be a prime greater than {b}. How many subsets of the set of the numbers from 1 to 2p have p elements and a sum that is divisible by p?
A sequence is given by a_1 = {a} and a_(n+1) = a_n^2 - a_n + 1. Prove that any two of its terms are coprime and that infinitely many primes divide none of them.
Alice and Bob take turns removing stones from a heap of {c}{c} stones; a move takes a number of stones that is coprime to the size of the heap. Who wins if both play optimally?
Let ABCD be a cyclic quadrilateral whose diagonals meet at P. Show that the circumcenters of the triangles PAB, PBC, PCD and PDA form a parallelogram, and determine when it is a rhombus.
Find all polynomials P with integer coefficients such that P(n) divides {a}^n - 1 for every positive integer n.
What is the greatest number of kings that can be placed on a {c} by {c} chessboard so that each attacks exactly {a} others?
The positive integers x, y, z satisfy x^{a} + y^{a} = {b}z^{a}. Prove that x = y = z or that xyz is divisible by {b}.""",
    "zh": """设 n 为大于 {a} 的正整数，证明：任意 n+{b} 个整数中必有两个数之差被 n 整除。
求所有函数 f，使得对任意实数 x, y 都有 f(x+f(y))=f(x)+{a}y。
在锐角三角形 ABC 中，H 为垂心，过 H 的直线交外接圆于 P、Q 两点。证明：直线 PQ 关于三边的对称直线共点。
求所有正整数对 (m, n)，使得 m^2+{a}n 整除 n^2+{b}m。
将 {c}×{c} 方格表的每个格染成黑色或白色，使得每个 2×2 正方形中黑格个数为偶数。求不同染法的个数。
设 p 为大于 {b} 的素数，求集合 {{1,2,…,2p}} 中恰有 p 个元素且元素和被 p 整除的子集个数。
设正实数 a, b, c 满足 ab+bc+ca={b}，求使不等式 (a+b+c)^{a}≥k·abc 恒成立的最大实数 k。
平面上有 {c}{c} 个点，任意三点不共线。证明：可以将它们分成若干个三角形，使得任意两个三角形没有公共点。
圆内接四边形 ABCD 的对角线交于点 P，证明：三角形 PAB、PBC、PCD、PDA 的外心构成平行四边形。
{c} 名选手进行循环赛，没有平局。证明：存在一名选手，其余每人都能经过至多两场胜负关系到达他。
数列满足首项为 {a}，且后一项等于前一项的平方减去前一项再加 1。证明：任意两项互素，且存在无穷多个素数不整除任何一项。
甲乙两人轮流从 {c}{c} 颗石子中取石子，每次取的个数必须与剩余石子数互素，问谁有必胜策略，并说明理由。""",
    "es": """Sea n un entero positivo mayor que {a}. Demuestra que entre n + {b} enteros cualesquiera hay dos cuya diferencia es divisible por n.
Halla todas las funciones f de los reales en los reales tales que f(x + f(y)) = f(x) + {a}y para todos los reales x e y.
Determina todos los pares (m, n) de enteros positivos tales que m^2 + {a}n divide a n^2 + {b}m.
Sea ABC un triángulo acutángulo con ortocentro H. Una recta por H corta a la circunferencia circunscrita en P y Q. Demuestra que sus simétricas respecto de los lados son concurrentes.
Se colorea cada casilla de un tablero de {c} por {c}. ¿De cuántas maneras se puede hacer para que cada cuadrado de 2 por 2 tenga un número par de casillas negras?""",
    "fr": """Soit n un entier strictement supérieur à {a}. Montrer que parmi n + {b} entiers quelconques il y en a deux dont la différence est divisible par n.
Déterminer toutes les fonctions f de R dans R telles que f(x + f(y)) = f(x) + {a}y pour tous réels x et y.
Trouver tous les couples (m, n) d'entiers strictement positifs tels que m^2 + {a}n divise n^2 + {b}m.
Soit ABC un triangle acutangle d'orthocentre H. Une droite passant par H coupe le cercle circonscrit en P et Q. Démontrer que ses symétriques par rapport aux côtés sont concourantes.
Combien y a-t-il de coloriages d'un échiquier de {c} sur {c} tels que chaque carré de 2 sur 2 contienne un nombre pair de cases noires ?""",
    "de": """Sei n eine ganze Zahl größer als {a}. Beweise, dass es unter n + {b} beliebigen ganzen Zahlen zwei gibt, deren Differenz durch n teilbar ist.
Bestimme alle Funktionen f von den reellen in die reellen Zahlen mit f(x + f(y)) = f(x) + {a}y für alle reellen x und y.
Finde alle Paare (m, n) positiver ganzer Zahlen, für die m^2 + {a}n ein Teiler von n^2 + {b}m ist.
Im spitzwinkligen Dreieck ABC mit Höhenschnittpunkt H trifft eine Gerade durch H den Umkreis in P und Q. Zeige, dass sich ihre Spiegelbilder an den Seiten in einem Punkt schneiden.
Auf wie viele Arten lassen sich die Felder eines Bretts mit {c} mal {c} Feldern färben, sodass jedes Quadrat aus vier Feldern eine gerade Anzahl schwarzer Felder hat?""",
    "ru": """Пусть n — натуральное число, большее {a}. Докажите, что среди любых n + {b} целых чисел найдутся два, разность которых делится на n.
Найдите все функции f, определённые на множестве действительных чисел, такие что f(x + f(y)) = f(x) + {a}y при всех x и y.
Найдите все пары натуральных чисел (m, n), для которых n^2 + {b}m делится на m^2 + {a}n.
В остроугольном треугольнике ABC точка H — ортоцентр. Прямая через H пересекает описанную окружность в точках P и Q. Докажите, что прямые, симметричные ей относительно сторон, проходят через одну точку.
Сколькими способами можно раскрасить клетки доски {c} на {c} так, чтобы в каждом квадрате 2 на 2 было чётное число чёрных клеток?""",
    "ja": """n を {a} より大きい整数とする。任意の n+{b} 個の整数の中に、差が n で割り切れる二つの数が存在することを証明せよ。
すべての実数 x, y に対して f(x+f(y))=f(x)+{a}y を満たす関数 f をすべて求めよ。
m^2+{a}n が n^2+{b}m を割り切るような正の整数の組 (m, n) をすべて求めよ。
鋭角三角形 ABC の垂心を H とし、H を通る直線が外接円と P, Q で交わる。この直線を各辺に関して折り返した三直線が一点で交わることを示せ。
{c}×{c} のマス目を白と黒で塗り、どの 2×2 の正方形にも黒いマスが偶数個あるようにする方法は何通りあるか。""",
    "ko": """n이 {a}보다 큰 정수일 때, 임의의 n+{b}개의 정수 중에 차가 n으로 나누어떨어지는 두 수가 있음을 증명하시오.
모든 실수 x, y에 대하여 f(x+f(y))=f(x)+{a}y 를 만족하는 함수 f를 모두 구하시오.
m^2+{a}n 이 n^2+{b}m 의 약수가 되는 양의 정수의 순서쌍 (m, n)을 모두 구하시오.""",
    "pt": """Seja n um inteiro maior que {a}. Prove que entre quaisquer n + {b} inteiros existem dois cuja diferença é divisível por n.
Determine todas as funções f dos reais nos reais tais que f(x + f(y)) = f(x) + {a}y para todos os reais x e y.
Encontre todos os pares (m, n) de inteiros positivos tais que m^2 + {a}n divide n^2 + {b}m.""",
    "it": """Sia n un intero maggiore di {a}. Dimostrare che fra n + {b} interi qualsiasi ce ne sono due la cui differenza è divisibile per n.
Determinare tutte le funzioni f dai reali ai reali tali che f(x + f(y)) = f(x) + {a}y per ogni x e y reali.
Trovare tutte le coppie (m, n) di interi positivi tali che m^2 + {a}n divide n^2 + {b}m.""",
    "ar": """ليكن n عددا صحيحا أكبر من {a}. أثبت أنه من بين أي n + {b} عددا صحيحا يوجد عددان الفرق بينهما يقبل القسمة على n.
أوجد جميع الدوال f من الأعداد الحقيقية إلى الأعداد الحقيقية بحيث f(x + f(y)) = f(x) + {a}y لكل x و y.""",
    "hi": """मान लीजिए n, {a} से बड़ा पूर्णांक है। सिद्ध कीजिए कि किन्हीं n + {b} पूर्णांकों में दो ऐसे हैं जिनका अंतर n से विभाज्य है।
वे सभी फलन f ज्ञात कीजिए जिनके लिए सभी वास्तविक x और y पर f(x + f(y)) = f(x) + {a}y हो।""",
}
"""Contest problems per language, one per line; a, b and c are small numbers."""

SCHOOL: dict[str, str] = {
    "en": """A triangle has a base of {c} cm and a height of {b} cm. What is its area?
Is {c}{a} divisible by {a}?
The sum of two numbers is {c} and one of them is {b}. What is the other?
List all prime numbers less than {c}.
Find x if {a}x + {b} = {c}.
What is the probability of rolling a {a} with one die?
The function f is given by f(x) = {a}x + {b}. What is f({c})?
A circle has a radius of {b} cm. What is its circumference?
How many ways are there to choose one shirt from {a} shirts and one hat from {b} hats?
What is the remainder when {c} is divided by {a}?""",
    "zh": """一个三角形的底是 {c} 厘米，高是 {b} 厘米，面积是多少？
{c}{a} 能被 {a} 整除吗？
写出小于 {c} 的所有素数。
已知函数 f(x)={a}x+{b}，求 f({c}) 的值。
圆的半径是 {b} 厘米，求它的周长。
{c} 除以 {a} 的余数是多少？
掷一枚骰子，点数是 {a} 的概率是多少？
小明有 {c} 个苹果，吃了 {a} 个，还剩几个？""",
    "es": """Un triángulo tiene base {c} cm y altura {b} cm. ¿Cuál es su área?
Halla x si {a}x + {b} = {c}.
¿Cuál es el resto de dividir {c} entre {a}?""",
    "fr": """Un triangle a une base de {c} cm et une hauteur de {b} cm. Quelle est son aire ?
Trouver x si {a}x + {b} = {c}.
Quel est le reste de la division de {c} par {a} ?""",
    "de": """Ein Dreieck hat die Grundseite {c} cm und die Höhe {b} cm. Wie groß ist seine Fläche?
Bestimme x mit {a}x + {b} = {c}.
Welchen Rest lässt {c} beim Teilen durch {a}?""",
    "ru": """Основание треугольника {c} см, высота {b} см. Чему равна его площадь?
Найдите x, если {a}x + {b} = {c}.
Найдите остаток от деления {c} на {a}.""",
    "ja": """底辺が {c} cm、高さが {b} cm の三角形の面積を求めなさい。
{a}x+{b}={c} のとき x を求めなさい。
{c} を {a} で割った余りはいくつですか。""",
    "ko": """밑변이 {c} cm, 높이가 {b} cm인 삼각형의 넓이를 구하시오.
{c}를 {a}로 나눈 나머지는 얼마입니까?""",
    "pt": """Um triângulo tem base {c} cm e altura {b} cm. Qual é a sua área?
Encontre x se {a}x + {b} = {c}.""",
    "it": """Un triangolo ha base {c} cm e altezza {b} cm. Quanto misura la sua area?
Trova x se {a}x + {b} = {c}.""",
    "ar": """مثلث قاعدته {c} سم وارتفاعه {b} سم. ما مساحته؟
أوجد x إذا كان {a}x + {b} = {c}.""",
    "hi": """एक त्रिभुज का आधार {c} सेमी और ऊँचाई {b} सेमी है। उसका क्षेत्रफल कितना है?
यदि {a}x + {b} = {c} हो तो x ज्ञात कीजिए।""",
}
"""School-book questions with the same words."""

CHORES: tuple[tuple[str, str], ...] = (
    ("en", "Summarise this paragraph in one sentence: {body}"),
    ("en", "Can you shorten this for me? {body}"),
    ("en", "Translate the following into French. {body}"),
    ("en", "Fix the spelling in this text: {body}"),
    ("en", "{body} Rewrite this in a friendlier tone."),
    ("en", "Give this a title: {body}"),
    ("zh", "用一句话总结这段话：{body}"),
    ("zh", "把下面这段话翻译成中文：{body}"),
    ("es", "Resume este párrafo en una frase: {body}"),
    ("fr", "Résume ce paragraphe en une phrase : {body}"),
    ("de", "Fasse diesen Absatz in einem Satz zusammen: {body}"),
    ("ru", "Кратко перескажи этот абзац: {body}"),
    ("ja", "次の文章を一文で要約してください。{body}"),
)
"""Chores with a short text, for data holds them only with long ones."""

FACTS: tuple[tuple[str, str], ...] = (
    ("en", "What colour is a ripe lemon?"),
    ("en", "Who wrote Hamlet?"),
    ("en", "How many days are there in a leap year?"),
    ("en", "Which ocean lies between Africa and Australia?"),
    ("en", "What is 7 plus 6?"),
    ("zh", "日本的首都叫什么？"),
    ("zh", "一年有多少天？"),
    ("zh", "长城在哪个国家？"),
    ("zh", "谁写了《红楼梦》？"),
    ("zh", "世界上最高的山是哪座？"),
    ("zh", "水的沸点是多少度？"),
    ("zh", "3 加 4 等于几？"),
    ("es", "¿De qué color es el cielo?"),
    ("es", "¿Cuántos días tiene una semana?"),
    ("es", "¿Quién pintó Las Meninas?"),
    ("fr", "Combien de jours y a-t-il en une année ?"),
    ("fr", "Qui a écrit Les Misérables ?"),
    ("de", "Wie viele Tage hat ein Jahr?"),
    ("de", "Welche Farbe hat Gras?"),
    ("ru", "Сколько дней в неделе?"),
    ("ru", "Кто написал «Войну и мир»?"),
    ("ja", "一年は何日ですか。"),
    ("ja", "富士山はどの国にありますか。"),
    ("ko", "일주일은 며칠입니까?"),
    ("pt", "Quantos dias tem um ano?"),
    ("it", "Di che colore è il sole?"),
    ("ar", "كم عدد أيام الأسبوع؟"),
    ("hi", "एक सप्ताह में कितने दिन होते हैं?"),
)
"""Facts that everybody knows; each is repeated, in place of the millions who ask the like."""

BODIES: tuple[str, ...] = (
    "The museum opens at nine and closes at five, except on Mondays.",
    "Our train left late because a tree had fallen on the line. We waited for two hours and read.",
    "She planted tomatoes behind the house, and by July there were more than anyone could eat.",
    "The meeting moves to Thursday. Please bring the figures for March and a list of open points.",
    "Rain is expected in the north tomorrow while the south stays dry and warm.",
    "The shop sells bread, cheese and coffee; its owner knows everybody in the street by name.",
)


def constructed_questions(per_language: int, seed: int = 5) -> list[Question]:
    """Return contest problems and school-book questions, as many of either, short chores and plain facts.

    Args:
        per_language: Rows of either kind and language; English and Chinese get three times as many.
        seed: Of the numbers in them.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
    rows: list[Question] = []
    for kind, texts, level in (("contest", CONTEST, "Olympiad"), ("school", SCHOOL, "elementary")):
        for language, lines in texts.items():
            count = per_language * (3 if language in ("en", "zh") else 1)
            rows += _filled(f"{kind}-{language}", lines.splitlines(), language, level, count, rng)
    for number in range(per_language * (1 + len(CHORES) // 2)):
        language, frame = CHORES[number % len(CHORES)]
        body = " ".join(rng.sample(BODIES, rng.randint(1, 3)))
        meta = {"lang": language, "license": "ours", "assumed": "easy", "kind": "summarise"}
        text = frame.replace("{body}", body)
        rows.append(
            Question(f"chore-{number}", "constructed_chores", text, "chat", language, "train", meta)
        )
    for number in range(per_language * 3):
        language, text = FACTS[number % len(FACTS)]
        meta = {"lang": language, "license": "ours", "assumed": "easy", "kind": "fact"}
        rows.append(
            Question(f"fact-{number}", "constructed_facts", text, "chat", language, "train", meta)
        )
    return rows


def _filled(
    name: str, templates: list[str], language: str, level: str, count: int, rng: random.Random
) -> list[Question]:
    meta = {"lang": language, "license": "ours", "level": level, "constructed": "whole question"}
    rows: list[Question] = []
    for number in range(count):
        values = {"a": rng.randint(2, 6), "b": rng.randint(3, 9), "c": rng.randint(11, 60)}
        text = templates[number % len(templates)].format(**values)
        rows.append(
            Question(f"{name}-{number}", SOURCE, text, "math", language, "train", dict(meta))
        )
    return rows
