## Меню и помощь
welcome =
    👋 <b>Привет, { $name }!</b>

    Я рисую картинки по описанию. Напишите, что хотите увидеть, например: «рыжий кот в скафандре, акварель».

    Сначала покажу точную цену, а рисовать начну, когда вы согласитесь.
stranger = незнакомец
welcome-gift = 🎁 На счёте уже { $amount } — подарок за знакомство.
menu =
    🏠 <b>Меню</b>

    Можно потратить: <b>{ $amount }</b>
    Модель: { $model }

    Напишите, что нарисовать, или нажмите кнопку.
help =
    ❓ <b>Как это работает</b>

    1. Напишите, что нарисовать: «рыжий кот в скафандре».
    2. На карточке видны модель, настройки и точная цена.
    3. Нажмите «Создать». Деньги отложатся и спишутся только за готовые картинки. Не получилось — сразу вернутся.

    /generate — новая картинка
    /menu — меню
    /models — все модели и цены
    /balance — сколько денег
    /topup — пополнить
    /history — мои картинки
    /transactions — все операции по счёту
    /language — язык
    /cancel — отменить начатое
    /paysupport — вопрос об оплате
    /terms — условия
    /privacy — о ваших данных
    /id — ваш id для поддержки
id-card = Ваш id: <code>{ $id }</code>
cancelled = Хорошо, оставим как было. Чем займёмся?
card-put-away = Хорошо, карточку убрал, ничего не списано. Чем займёмся?
nothing-to-cancel = Отменять нечего.
running-cannot-cancel =
    { $count ->
        [1] Подтверждённый заказ уже в работе, отменить его нельзя. Не получится — деньги вернутся сами.
       *[other] Подтверждённые заказы уже в работе ({ $count }), отменить их нельзя. Если что-то не получится, деньги вернутся сами.
    }
banned = Доступ к боту закрыт. Условия — /terms, вопросы об оплате — /paysupport
sorry = 😔 Не получилось обработать ваше сообщение. Мы уже разбираемся, деньги в безопасности. Код: { $code }
old-button = Эта кнопка устарела. Вот свежий экран.
text-only = Пока я понимаю только текст: опишите картинку словами. Рисовать по фото научусь позже.
unknown-command = Такой команды нет. Всё, что я умею, — в /help
admin-soon = Панель оператора ещё строится.
topup-soon =
    💳 <b>Пополнение</b>

    Скоро здесь можно будет пополнить счёт звёздами Telegram. Пока пополнение закрыто, и денег мы не берём.
paysupport =
    🛟 <b>Вопросы об оплате</b>

    Оплата ещё не открыта: денег мы пока не принимаем. Все операции по вашему счёту — в /transactions
terms =
    📄 <b>Условия</b>

    Вы платите только за готовые картинки. Не получилось — деньги сразу возвращаются на счёт. Бонусные деньги тратятся первыми, вывести их нельзя. Не заказывайте того, что запрещено законом или правилами Telegram.
privacy =
    🔒 <b>О ваших данных</b>

    Мы храним ваш id в Telegram, имя, описания и картинки, чтобы вы могли получить их снова. Сами сообщения стираем через 7 дней. Описания передаём сервису KIE.ai, который рисует, и больше никому.
pre-checkout-not-open = Пополнение пока не открыто. Звёзды не списаны.

## Кнопки
button-generate = 🎨 Создать картинку
button-models = 🧠 Модели
button-balance = 💰 Баланс
button-history = 🖼 История
button-transactions = 📒 Операции
button-language = 🌐 Язык
button-help = ❓ Помощь
button-menu = 🏠 Меню
button-back = ⬅️ Назад
button-card = ⬅️ К карточке
button-older = Раньше ➡️
button-newest = ⬅️ Самые новые
button-cheaper = ⬅️ Дешевле
button-dearer = Дороже ➡️
button-topup = 💳 Пополнить
button-confirm = ✅ Создать за { $price }
button-model = 🧠 { $model }
button-prompt = ✏️ Описание
button-count = 🔢 Картинок: { $count }
button-style = 🎭 { $style }
button-parameter = { $name }: { $value }
button-leave = Пусть решит модель
button-again = 🔁 Ещё раз
button-files = 📄 Файлом
button-retry = 🔁 Попробовать ещё раз
button-resend = { $date } · { $prompt }
button-open-model = { $name } · { $price } · { $time }

## Деньги
balance =
    💰 <b>Можно потратить: { $spendable }</b>

    Свои: { $available }
    Бонус: { $bonus } (тратится первым)
    Отложено на заказы в работе: { $held }
transactions = 📒 <b>Операции по счёту</b> (время UTC)
transactions-empty = Операций пока нет.
movement-line = { $date } · <b>{ $amount }</b> · { $what }
movement-welcome = подарок за знакомство
movement-top_up = пополнение
movement-hold = отложено на заказ №{ $generation }
movement-capture = заказ №{ $generation } готов, списано из отложенного
movement-release = вернулось за заказ №{ $generation }
movement-adjustment = поправка поддержки

## Модели
models = 🧠 <b>Модели</b>

    Какие показать?
models-page = 🧠 <b>{ $kind }</b> · { $page }/{ $pages }

    Цена — за одну картинку с обычными настройками, время — обычное. Сначала дешёвые.
kind-text-to-image = По описанию
kind-image-any = Универсальные (скоро и по фото)
usual-seconds = ~{ $seconds } с
usual-minutes = ~{ $minutes } мин
usual-unknown = 1–3 мин

## Карточка
draft =
    🎨 <b>{ $model }</b> · { $blurb }
    Обычно { $time } · { $price } за картинку

    ✍️ Теперь напишите, что нарисовать.
card =
    🎨 <b>{ $model }</b> · обычно { $time }

    <blockquote>{ $prompt }</blockquote>
    { $parameters }
    { $pictures ->
        [1] 1 картинка: <b>{ $price }</b>
        [one] { $pictures } картинка × { $picture_price } = <b>{ $price }</b>
        [few] { $pictures } картинки × { $picture_price } = <b>{ $price }</b>
       *[many] { $pictures } картинок × { $picture_price } = <b>{ $price }</b>
    }
card-missing = 💳 Не хватает { $missing }: на счёте { $spendable }. Пополните счёт, карточка подождёт.
card-valid = На счёте { $spendable }. Цена действует 15 минут.
ask-prompt = ✍️ Напишите, что нарисовать (до { $maximum } знаков).
prompt-now =
    Сейчас так (нажмите, чтобы скопировать):
    <code>{ $prompt }</code>
ask-count = 🔢 Сколько картинок?
ask-style = 🎭 Какой стиль?
ask-choice = ⚙️ <b>{ $name }</b>: выберите кнопкой.
ask-number = ⚙️ <b>{ $name }</b>: напишите число { $limits }.
ask-text = ⚙️ <b>{ $name }</b>: напишите текст (до { $maximum } знаков).
number-between = от { $minimum } до { $maximum }
number-from = от { $minimum }
number-any = — любое
value-unset = —
value-on = да
value-off = нет
adjusted = «{ $name }» теперь { $value }: прежнее значение не сочетается с выбранным.
quote-unknown = Эта карточка не действует, ничего не списано.
quote-expired = Прошло больше 15 минут, поэтому я посчитал цену заново. Проверьте её и нажмите ещё раз. Ничего не списано.
already-confirmed = Этот заказ уже принят. Второй раз не спишется.
confirmed = Поехали!
model-gone = Этой модели больше нет в продаже. Выберите другую. Ничего не списано.
provider-away = Художник сейчас не отвечает. Ничего не списано, попробуйте через пару минут.
not-enough-money = Не хватает { $missing }. Ничего не списано, карточка подождёт.

## Что не так с введённым
problem-unknown = У этой модели нет такой настройки.
problem-not-a-choice = Такого варианта нет: выберите кнопкой.
problem-not-a-number = Нужно число { $limits }.
problem-not-whole = Нужно целое число { $limits }.
problem-not-a-switch = Здесь можно только «да» или «нет».
problem-out-of-range = Нужно число { $limits }.
problem-empty = Здесь пусто. Напишите хотя бы слово (до { $maximum } знаков).
problem-too-short = Слишком коротко: нужно не меньше { $minimum } знаков.
problem-too-long = Слишком длинно: длина — { $length }, а можно до { $maximum } знаков. Сократите, пожалуйста.
try-another-model = Или возьмите другую модель: текст я запомнил.
problem-forbidden = Такое сочетание настроек не бывает.

## Ход работы
status-pending =
    ⏳ <b>В очереди</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
    Обычно { $time }. Отложено { $price }.
status-processing =
    🎨 <b>Рисую…</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
    Обычно { $time }. Отложено { $price }.
status-part = Готово { $done } из { $all }.
status-sending =
    ✨ <b>Готово, отправляю…</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
status-stuck =
    ✨ <b>Готово, но доставить пока не удаётся</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
    Буду пробовать 7 дней. Картинка уже ждёт в /history
status-undelivered =
    ✨ <b>Готово, но доставить не удалось</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
    Откройте /history и нажмите на неё: попробуем ещё раз.
status-done =
    ✅ <b>Готово</b> · { $model } · { $price }
    <blockquote>{ $prompt }</blockquote>
status-returned = { $returned } вернулись на счёт: { $missing ->
        [one] не получилась { $missing } картинка
        [few] не получились { $missing } картинки
       *[many] не получилось { $missing } картинок
    }.
status-failed =
    ❌ <b>Не получилось</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
    { $reason }
    { $returned } вернулись на счёт.
failed-refused = Художник отказался это рисовать. Попробуйте описать иначе.
failed-invalid = Художник не принял эти настройки. Мы уже разбираемся.
failed-moderated = Описание не прошло проверку на запрещённое. Попробуйте сказать иначе.
failed-provider = У художника что-то сломалось. Попробуйте ещё раз.
failed-image = Не удалось прочитать исходную картинку.
failed-no-credit = Сейчас картинку заказать не получается: это на нашей стороне, и мы уже чиним.
failed-bad-key = Сейчас картинку заказать не получается: это на нашей стороне, и мы уже чиним.
failed-unavailable = Эта модель сейчас недоступна. Попробуйте другую.
failed-no-result = Художник ответил, но картинку не прислал. Попробуйте ещё раз.
failed-no-answer = Художник потерял заказ. Попробуйте ещё раз.
failed-deadline = Художник не успел. Если картинка всё же придёт, вы получите её бесплатно.
failed-dry_run = Это пробный запуск: заказы художнику не отправляются.
caption = <b>{ $model }</b> · { $price }
    <i>{ $prompt }</i>
caption-late = 🎁 Эта картинка опоздала, и деньги за неё уже вернулись. Пусть будет подарком!
album-closing = Все картинки выше. Что дальше?
too-big-links = Файл слишком большой для Telegram, вот ссылка (действует около суток):

## История
history = 🖼 <b>Ваши картинки</b>

    Нажмите на любую, и я пришлю её ещё раз.
history-empty = Здесь появятся ваши картинки. Первую можно заказать прямо сейчас: напишите, что нарисовать.
resending = Отправляю ещё раз.
sending-files = Отправляю файлом, без сжатия.
not-found = Такой картинки у вас нет.

## Язык
language = 🌐 Выберите язык
language-chosen = Теперь говорю по-русски.
language-ru = 🇷🇺 Русский
language-en = 🇬🇧 English

## Названия настроек
input-aspect_ratio = Формат
input-image_size = Формат
input-size = Размер
input-resolution = Разрешение
input-image_resolution = Разрешение
input-quality = Качество
input-output_format = Тип файла
input-background = Фон
input-negative_prompt = Чего избегать
input-seed = Зерно (seed)
input-guidance_scale = Точность
input-num_inference_steps = Шаги
input-acceleration = Ускорение
input-enable_pro = Режим Pro
input-expand_prompt = Дополнить текст
input-prompt_extend = Дополнить текст
input-enhance_prompt = Улучшить текст
input-rendering_speed = Скорость
input-style = Стиль
input-thinking_mode = Обдумывание
value-auto = авто
value-square = 1:1
value-square_hd = 1:1 HD
value-portrait_4_3 = 3:4
value-portrait_3_2 = 2:3
value-portrait_16_9 = 9:16
value-landscape_4_3 = 4:3
value-landscape_3_2 = 3:2
value-landscape_16_9 = 16:9
value-landscape_21_9 = 21:9
value-basic = обычное
value-high = высокое
value-ultra = максимум
value-medium = обычное
value-transparent = прозрачный
value-opaque = сплошной
value-none = нет
value-regular = обычное
value-turbo = быстро
value-balanced = средне
value-quality = тщательно
value-general = общий
value-realistic = реализм
value-design = дизайн

## Пояснения к настройкам
hint-seed = Одно и то же зерно с тем же описанием даёт похожую картинку. Не знаете — оставьте модели.
hint-guidance_scale = Чем больше, тем ближе к описанию; чем меньше, тем больше фантазии.
hint-num_inference_steps = Больше шагов — тщательнее, но дольше.
hint-negative_prompt = Например: «текст, размытость, лишние пальцы».
hint-acceleration = Чем выше ускорение, тем быстрее, но грубее.
hint-rendering_speed = От неё зависят качество и цена.
hint-resolution = От разрешения может зависеть цена: она будет на карточке.
hint-quality = От качества может зависеть цена: она будет на карточке.

## Команды в меню Telegram
command-generate = Создать картинку
command-menu = Меню
command-models = Модели и цены
command-balance = Баланс
command-topup = Пополнить
command-history = Мои картинки
command-transactions = Операции по счёту
command-language = Язык
command-cancel = Отменить начатое
command-help = Помощь
command-paysupport = Вопрос об оплате
command-terms = Условия
command-privacy = О ваших данных
