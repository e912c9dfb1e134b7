"""Cue words per intent and stop-words per language: plain data, written by us.

A cue says what kind of work is asked for ("prove", "how many", "translate"). The same intent carries
the same index in every language, so that a question and its translation get the same dense features.
Three look-ups share the index: whole words, five-letter stems (for inflected languages) and pairs of
characters (for scripts written without spaces).
"""

WORDS: dict[str, str] = {
    "prove": "prove proof proved proves show demonstrate demonstrar demostrar demuestra demuestre prouver démontrer montrer beweise beweisen zeige dimostra dimostrare prove-se mostre bewijs udowodnij bewijzen kanıtla kanıtlayın ispatlayın gösterin buktikan thibitisha chứng wykaż demonstrați arătați bevisa visar todista dokažte bizonyítsd",
    "extreme": "maximum minimum maximal minimal largest smallest greatest least maximize minimize maximise minimise optimal shortest longest máximo mínimo maximale größte kleinste mayor menor maior massimo minimo",
    "all_such": "determine find every all possible exist exists unique whenever hallar halla determina encuentra trouver déterminer trouvez finde bestimme bestimmen trova determinare encontre ache todos todas tous toutes allen tutti tutte tüm bütün bulun bulunuz tentukan semua tafuta zote tìm bepaal znajdź wyznacz wszystkie determinați găsiți toate najděte určete všechny bestäm hitta",
    "how_many": "many number count total how cuántos cuántas cuánto cuanto combien wie wieviel wieviele quante quanti quanto quantos quantas hoeveel kaç berapa ngapi bao cuánta quanta quantité viele insgesamt anzahl nombre número numero totale totali totaal jumlah jumla toplam nhiêu mấy wangapi mangapi vingapi mingapi många câte câți cât hány mennyi mitu konbyen kolik montako hoeveelheid 몇",
    "compute": "calculate compute evaluate simplify solve solution expand factor convert estimate approximate calcula calcular calculez calculer résoudre resuelve resolver berechne berechnen löse lösen calcola risolvi calcule resolva oblicz hesapla hitung hesaplayın çözün hitunglah selesaikan hesabu kokotoa tính bereken berekenen beräkna laske calculați vypočítejte számítsd",
    "geometry": "triangle circle angle polygon radius tangent perimeter area square rectangle parallel perpendicular chord circumcircle incenter sphere cube vertices diagonal quadrilateral hexagon plane triángulo círculo ángulo cercle dreieck kreis winkel triangolo cerchio triângulo",
    "algebra": "polynomial equation equations function functions matrix roots root coefficient coefficients real complex variable linear quadratic vector inequality logarithm exponent ecuación función matriz équation fonction matrice gleichung funktion equazione funzione equação função polinomio polynôme polynom многочлен многочлена многочлены",
    "number_theory": "integer integers prime primes divisible divisor divisors remainder modulo mod digit digits gcd lcm congruent coprime multiple odd even positive natural entero enteros primo primos entier entiers premier ganze ganzen zahl zahlen primzahl intero interi inteiro inteiros",
    "chance": "probability random expected dice coin coins permutation permutations combination combinations arrangement arrangements ways choose chosen subset subsets distinct graph colored seated probabilidad probabilité wahrscheinlichkeit probabilità probabilidade प्रायिकता",
    "calculus": "derivative integral integrate differentiate limit converge converges series sum infinite infinity sequence continuous differentiable eigenvalue manifold theorem lemma derivada límite dérivée limite intégrale ableitung grenzwert derivata производная производную предел предела",
    "suppose": "let suppose given assume denote denotes define such satisfy satisfies satisfying where express consider sean supongamos soit soient supposons sei seien gegeben sia siano seja sejam considere",
    "logic": "if then true false knight knights knave knaves liar liars truth implies neither either statement statements conclude conclusion deduce premise puzzle riddle clue clues entailment valid entonces alors wenn dann allora então eğer jika ikiwa nếu thì jeśli dacă pokud",
    "procedure": "rule rules step steps move moves grid board state path maze rotate swap row rows column columns position positions order initial sort sorted operation operations game tower stack sequence pattern",
    "code": "python code program programming algorithm bug debug sql javascript java rust html css script implement implementation array string list dict dictionary class method api regex loop recursion compile assert def return código programa programme programm codice",
    "science": "energy mass velocity acceleration force momentum voltage current resistance charge electron proton atom molecule reaction acid base solution pressure temperature gas heat wavelength frequency enzyme protein gene cell dna cells bond oxidation orbital mol circuit magnetic",
    "specialist": "court contract liability statute defendant plaintiff tax patient diagnosis therapy clinical disease symptoms market demand supply equilibrium inflation monetary psychologist cognitive behavior theory philosopher moral empire treaty constitution company investment interest engineering thermodynamic flow",
    "fact": "who when where whom capital country city president king queen born invented discovered wrote founded located river ocean continent planet movie song actor quién dónde cuándo país ville pays où quand hauptstadt wer wo wann land chi dove quando quem onde nerede kimdir başkent başkenti siapa siapakah kapan ibukota thủ đô nani wapi lini πού πότε πρωτεύουσα waar wanneer hoofdstad kto gdzie kiedy stolica stolicą när huvudstad unde când capitala kdo kdy fővárosa",
    "plain_question": "what which is are qué cuál quelle quel quels est was welche ist cosa qual quale co czym apa nini nedir cuáles quelles welcher welches welchem hangi apakah gì jaka jaki jakie vilken vilket melyik jaká jaký wat welke ipi τι ποια",
    "explain": "why explain describe compare difference reason because discuss analyze analyse explica explicar pourquoi expliquer expliquez warum erkläre erklären perché spiega porque explique neden niçin açıkla açıklayın mengapa kenapa jelaskan eleza kwanini waarom verklaar förklara varför dlaczego wyjaśnij opisz γιατί εξήγησε explicați descrie vysvětli proč miért",
    "write": "write poem story email essay letter draft blog tweet article song compose create generate suggest ideas list plan recipe escribe poema carta écris écrire lettre schreibe schreiben brief scrivi lettera escreva yaz yazın tulis tuliskan buatkan viết andika γράψε schrijf skriv napisz scrie napiš wiersz gedicht gedichte poème poesia şiir puisi thơ",
    "transform": "translate translation summarize summarise summary rewrite paraphrase rephrase shorten extract correct grammar proofread traduce traducir traduis traduire traduisez résume résumer übersetze übersetzen traduci tradurre riassumi traduza resuma tradução çevir çeviri özetle terjemahkan ringkas ringkaslah dịch tafsiri fupisha μετάφρασε vertaal przetłumacz streść översätt sammanfatta tradu rezumă přelož fordítsd zusammenfassen fasse resume resumir resumen",
    "greet": "hello hi hey thanks thank good morning evening night bye goodbye welcome please sorry love hola gracias buenos buenas días bonjour salut merci hallo danke guten ciao grazie buongiorno olá obrigado obrigada oi selam merhaba halo jambo xin chào cześć dziękuję teşekkürler terima kasih asante habari cảm ơn γεια ευχαριστώ hoi dank hej tack kiitos salutare mulțumesc ahoj děkuji köszönöm szia",
    "errand": "set play alarm weather remind reminder timer turn lights music volume call text message calendar schedule meeting card account balance transfer payment bill order restaurant flight ticket open cancel news wetter tiempo météo clima поставь поставьте pon alarma música recuérdame mets réveil musique rappelle wecker musik spiele erinnere meteo sveglia musica alarme lembrete müzik alarmı hava putar cuaca nhạc muziek wekker pogoda muzykę przypomnij",
    "shop": "cost costs price dollars dollar cents euro euros buy buys bought sell sells sold pay paid spend spent money each apples apple books boxes hours miles day days week students pounds cuesta precio coûte prix kostet preis costa prezzo preço cuestan compra compró compraron vendió vendieron paga pagó gastó dinero dólares dólar cada manzanas libros cajas horas semana semanas estudiantes coûtent achète acheté vendu vend paie payé dépensé argent chaque pommes livres boîtes heures jours semaine semaines élèves étudiants kosten kauft kaufte kaufen gekauft verkauft verkaufte bezahlt bezahlen geld jede jeder jedes jeden äpfel bücher kisten stunden tage tagen woche wochen schüler costano comprato venduto pagato soldi dollari ogni mele libri scatole giorni settimana studenti custam comprou vendeu pagou dinheiro maçãs livros caixas alunos dolar lira fiyat satın aldı sattı elma kitap gün hafta öğrenci harga membeli beli menjual dijual rupiah setiap apel buku hari minggu siswa uang dola alinunua kununua aliuza kila vitabu siku wanafunzi giá mua bán tiền mỗi táo sách ngày tuần kosztuje kupił kupiła sprzedał jabłka jabłek książek złotych każdy każda prijs kost koopt kocht verkocht appels boeken uur dagen leerlingen fiecare cumpărat costă zile kostar köpte köper varje äpplen böcker dagar každý koupil stojí jablek",
    "relation": "mother father brother sister son daughter parent child husband wife grandmother grandfather uncle aunt cousin niece nephew family older younger ancestor sibling",
    "negation": "not no never except without neither nor unless cannot incorrect least false jamais nicht kein keine não sans ohne ikke inte niet geen nie değil tidak không",
    "compare": "more less than half twice double times percent percentage ratio fraction rate average fewer half-life remaining remain left más menos mitad moins moitié mehr weniger hälfte più meno metà mais metade doble triple queda quedan quedaron restantes sobran veces fois reste restent restant doppelt übrig restlichen doppio volte rimangono restano rimasti dobro vezes sobram restam plus fazla yarısı kalan kaldı katı lebih setengah sisa tersisa zaidi kuliko nusu pungufu alibaki hơn nửa więcej mniej połowa razy zostało pozostało puțin mult jumătate över hälften kvar minder helft keer více méně polovina több kevesebb maradt",
    "format": "answer format must only output exactly final following example examples choose option options brackets wrap provide respond response letter question below respuesta réponse antwort risposta resposta",
}
"""Whole lower-case words per intent. Where two intents list a word, the first wins."""

STEM_WORDS: dict[str, str] = {
    "prove": "докаж доказ довед أثبت برهن सिद्ध साबित প্রমা พิสูจ ثابت αποδε δείξτ",
    "extreme": "наибо наиме макси миним найбі найме",
    "all_such": "найди найти опред знайд визна أوجد جميع ज्ञात सभी নির্ণ সকল จงหา βρείτ",
    "how_many": "сколь скіль कितने कितनी كم چند колко কত কয় กี่ เท่าไ เท่าใ कितन மொத்த எத்தன всего মোট कुल مجموع إجمال ทั้งห כמה πόσ число",
    "compute": "вычис посчи решит реши обчис احسب محاسب हल गणना গণনা คํานว υπολο",
    "geometry": "треуг окруж площа радиу трику مثلث دائرة त्रिभ वृत्त",
    "algebra": "уравн функц матри рівня معادل دالة समीकर",
    "number_theory": "целых целое целые прост делит остат натур عدد पूर्ण পূর্ণ ακέρα",
    "chance": "вероя случа ймові احتما",
    "calculus": "интег сходи تكامل مشتق",
    "suppose": "пусть дано задан нехай ليكن فرض मान",
    "code": "код функц прогр برنام कोड",
    "fact": "столи кто где когда عاصمة أين متى राजधा कौन कहाँ پایتخ কোথা কখন রাজধা ใคร ที่ไห เมื่อ",
    "plain_question": "что какой какая какое каков який яка ما क्या چیست কী কোন อะไร ماذا ποιο",
    "explain": "почем объяс опиши чому поясн لماذا اشرح क्यों समझा কেন ব্যাখ ทําไม อธิบา چرا توضیح למה",
    "write": "напиш напис اكتب लिखो लिखें लिखिए بنوی লিখ เขียน",
    "transform": "перев перек сокра перек ترجم لخص अनुवा सारां সারাং แปล สรุป μεταφ",
    "greet": "приве здрав спаси добры مرحبا شكرا السلا नमस्त धन्यव سلام",
    "errand": "погод будил напом включ الطقس मौसम अलार्",
    "shop": "рубле стоит купил купит цена دولار रुपये قیمت долла кажды недел яблок прода потра запла деньг денег часов книг купив кошту ціна кожни डॉलर कीमत खरीद बेचा बेचे प्रत् घंटे सेब किताब पैसे টাকা ডলার কিনে কিনল বিক্র প্রতি দাম আপেল ดอลลา ซื้อ ขาย ราคา แต่ละ ชั่วโ แอปเป บาท ثمن سعر اشترى باع تفاح ساعة تومان خرید فروخ שקל קנה מחיר",
    "compare": "больш меньш полов проце более остал вдвое більш менше залиш अधिक ज्याद शेष बचे बची आधा आधे বেশি বাকি অর্ধে มากกว น้อยก เหลือ أكثر أقل نصف ضعف بقي تبقى بیشتر کمتر نصف باقی יותר פחות περισ λιγότ",
    "logic": "если тогда якщо यदि अगर যদি ถ้า إذا اگر אם",
}
"""Beginnings of at most five characters, for scripts whose words bend."""

PAIR_CUES: dict[str, str] = {
    "prove": "证明 求证 証明 證明 증명 示せ",
    "extreme": "最大 最小 最多 最少 极值 極值 최대 최소",
    "all_such": "所有 求出 确定 全て すべ 満た 满足 구하 모든 滿足",
    "how_many": "多少 几个 幾個 何個 いく 何人 몇개 一共 总共 얼마 几只 几本 几天 几人 几张 几名 几块 几朵 何枚 何本 何匹 何円 何回 何冊 何ペ 何袋 何羽 何通 何軒 何台 何歳 何倍 何杯 何箱 何組 何問 何着 何足 何キ 何メ 何セ 何グ 何ド 何ポ 何カ 几条 几次 几头 几岁 几根 几辆 几位 几盒 几页 几颗 几支 几杯 几把 几件 几箱 几袋 几组 几排 几棵 几米 几元 どれ 合計 全部 모두 전부",
    "compute": "计算 計算 求值 化简 解方 求解 계산 解け",
    "geometry": "三角 圆的 半径 直径 面积 平面 直线 切线 椭圆 抛物 双曲 円の 面積 삼각 直線 球的",
    "algebra": "函数 方程 矩阵 不等 向量 复数 実数 实数 数列 関数 方程 함수 방정 係数",
    "number_theory": "整数 素数 质数 余数 整除 自然 正整 整數 정수 소수 倍数 因数",
    "chance": "概率 随机 排列 组合 確率 確率 확률 期望",
    "calculus": "导数 极限 积分 收敛 微分 求导 極限 積分 미분 적분",
    "suppose": "已知 设函 假设 若存 设数 とす とき 만약 設函 且满",
    "logic": "推理 真话 假话 如果 逻辑 凶手 說謊 なら もし 만일 那么",
    "code": "代码 编程 程序 算法 函數 コー 코드 数组 脚本",
    "science": "电流 电压 质量 速度 反应 溶液 分子 原子 细胞 化学 力学 基因 能量",
    "specialist": "历史 政治 经济 文化 制度 法律 社会 地理 材料 思想",
    "fact": "首都 哪里 谁是 哪年 在哪 どこ だれ 수도 어디 누구 哪個 哪裡",
    "plain_question": "什么 是谁 何で 何です なに 무엇 뭐야 什麼 吗？ 吗?",
    "explain": "为什 解释 说明 なぜ 説明 설명 왜? 為什 怎么",
    "write": "写一 写首 作文 写封 書い 써줘 寫一 故事 邮件",
    "transform": "翻译 总结 改写 概括 翻訳 要約 번역 요약 翻譯 译成",
    "greet": "你好 您好 谢谢 早上 晚安 こん あり 안녕 감사 謝謝 おは 再见",
    "errand": "天气 闹钟 提醒 播放 天気 音楽 날씨 알람 天氣",
    "shop": "元钱 苹果 买了 卖出 価格 円で 千克 每千 小明 小红 桔子 铅笔 本书 美元 每个 每天 每周 每本 每张 小时 学生 花了 付了 ドル りん 時間 値段 売り 売っ 買い 買っ 生徒 달러 사과 샀다 샀습 팔았 학생 시간 가격",
    "negation": "不是 错误 不正 没有 不能",
    "compare": "百分 一半 多几 少几 比例 倍多 半分 剩下 还剩 剩余 残り 残っ より 남은 남았 절반 兩倍 两倍 几倍",
    "format": "选项 选择 答案 下列 正确 格式 正解 回答",
}
"""Two-character cues for Chinese, Japanese and Korean; both scripts of Chinese where they differ."""

STOPWORDS: dict[str, str] = {
    "en": "the of and to in is a that it for on with as are what how do you i my be this have not can from if hello please solve find explain write translate give list show tell many much each at when who where which does has was were will would an by",
    "es": "el la los las de que y en un una por con para es del cuál cómo qué está son mi se cuántos al hola gracias cuántas tiene",
    "fr": "le la les de des du et est un une que qui dans pour je vous ne pas quelle quel comment sur ce au merci beaucoup bonjour combien avec dans",
    "de": "der die das und ist ein eine zu den von mit wie was für nicht ich auf sich dem im wenn sind hallo danke bitte viele hat",
    "pt": "o os as de que e do da em um uma para com não é como qual são no na se por você meu olá obrigado quantos tem",
    "it": "il lo gli di che e la un una per con non è come qual del della sono nel si mi quale ciao grazie quanti ha sono",
    "nl": "de het een van en is dat niet wat hoe op te zijn voor met ik je aan er wordt",
    "pl": "i w na z nie jest co jak to się że do jaka jaki dla czy ile",
    "ro": "este și în care un o de la cu pe nu ce sunt din pentru cum mai",
    "tr": "ve bir bu ne için mi nasıl ile da de kaç olan var çok nedir",
    "vi": "là của và có một không được cho bao nhiêu các những trong người này",
    "id": "yang dan di adalah apa ini untuk dengan tidak dari berapa bagaimana itu akan ke",
    "sw": "ya na wa ni kwa katika za la ngapi yake kama nini gani cha",
    "sv": "och är det att en som på hur vad för inte ett av med",
    "et": "on ja ei mis kas see kui kuidas oma",
    "ht": "nan ki yo li pou yon se konbyen gen ak",
    "fi": "on ja ei mikä kuinka se että mitä oli hän",
    "cs": "je se na že jak co kolik by pro jsou",
    "hu": "és az egy hogy nem mi mennyi van meg",
    "ru": "и в не на что как это с по а я к из для у",
    "uk": "і в не на що як це з та до є скільки який",
    "bg": "и на е да се от за какво как са ли",
    "ar": "في من على ما هو هي إلى أن هل كيف التي",
    "fa": "در از به که را این است چه می با برای چند",
    "ur": "کے میں کی ہے کا سے اور کیا نے",
    "hi": "है के में का की और क्या को से कितने",
    "bn": "এবং একটি যে তার তিনি জন্য থেকে করে ছিল আছে হয় এই না কি ও",
    "el": "και το η ο να του της την είναι με για που από στο δεν",
    "he": "של את על הוא לא זה היא עם אל כי",
    "ta": "ஒரு மற்றும் என்று இந்த அவர் உள்ள",
    "mr": "आहे आणि काय मध्ये च्या",
}
"""Very frequent words per language, used only to name the language, never as a model input."""

INTENTS: tuple[str, ...] = tuple(WORDS)
"""The intents in the order of their dense features."""


def word_cues() -> dict[str, int]:
    """Return whole word -> index into ``INTENTS``."""
    return _index(WORDS)


def stem_cues() -> dict[str, int]:
    """Return the first letters of a word, two to five -> index into ``INTENTS``."""
    return _index(STEM_WORDS)


def pair_cues() -> dict[str, int]:
    """Return a two-character string -> index into ``INTENTS``."""
    return _index(PAIR_CUES)


def stopword_languages() -> dict[str, tuple[str, ...]]:
    """Return stop-word -> the languages that use it, in the order of ``STOPWORDS``."""
    found: dict[str, list[str]] = {}
    for language, words in STOPWORDS.items():
        for word in words.split():
            # A single Latin letter is a variable more often than a word.
            if len(word) == 1 and word.isascii():
                continue
            found.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}


def _index(cues: dict[str, str]) -> dict[str, int]:
    index: dict[str, int] = {}
    for intent, words in cues.items():
        for word in words.split():
            index.setdefault(word, INTENTS.index(intent))
    return index
