## Меню и помощь
welcome =
    👋 <b>Привет, { $name }!</b>

    Я рисую картинки по описанию. Напишите, что хотите увидеть, — покажу цену, и после вашего «да» нарисую.
welcome-gift = 🎁 На счёте уже { $amount } — подарок за знакомство.
menu =
    🏠 <b>Меню</b>

    Можно потратить: <b>{ $amount }</b>
    Модель: { $model }

    Напишите описание картинки или выберите, что дальше.
help =
    ❓ <b>Как это работает</b>

    1. Напишите, что нарисовать: «рыжий кот в скафандре».
    2. На карточке видны модель, настройки и точная цена.
    3. Нажмите «Создать». Деньги отложатся и спишутся только за готовые картинки: не получилось — сразу вернутся.

    /generate — новая картинка
    /models — все модели и цены
    /balance — сколько денег
    /topup — пополнить
    /history — мои картинки
    /transactions — все движения денег
    /language — язык
    /cancel — выйти из диалога
    /paysupport — вопрос об оплате
id-card = Ваш id: <code>{ $id }</code>
cancelled = Хорошо, отменил. Чем займёмся?
nothing-to-cancel = Отменять нечего.
running-cannot-cancel =
    { $count ->
        [one] Одна картинка уже рисуется: её отменить нельзя. Не получится — деньги вернутся сами.
       *[other] Картинки уже рисуются ({ $count }): их отменить нельзя. Не получится — деньги вернутся сами.
    }
banned = Доступ к боту закрыт. Если это ошибка, напишите в /paysupport.
sorry = 😔 Что-то пошло не так с вашим последним сообщением. Мы уже разбираемся, деньги в безопасности. Код: { $code }
old-button = Эта кнопка со старого экрана. Вот свежий.
text-only = Я понимаю только текст: опишите картинку словами. Рисовать по фото научусь позже.
unknown-command = Такой команды нет. Всё, что я умею, — в /help
topup-soon =
    💳 <b>Пополнение</b>

    Скоро здесь можно будет пополнить счёт звёздами Telegram. Пока оно не открыто, и деньги мы не берём.
paysupport =
    🛟 <b>Вопросы об оплате</b>

    Оплата ещё не открыта, поэтому и вопросов по ней пока быть не может. Все движения вашего счёта — в /transactions
terms =
    📄 <b>Условия</b>

    Картинка оплачивается, только если она готова. Не получилось — деньги возвращаются сразу. Бонусные деньги тратятся первыми и не выводятся. Не заказывайте того, что запрещено законом или правилами Telegram.
privacy =
    🔒 <b>О ваших данных</b>

    Храним ваш id Telegram, имя, описания и картинки, чтобы вы могли получить их снова. Тексты сообщений стираются через 7 дней. Описания передаются сервису KIE.ai, который рисует. Больше никому.
pre-checkout-not-open = Пополнение пока не открыто. Звёзды не списаны.

## Кнопки
button-generate = 🎨 Создать картинку
button-models = 🧠 Модели
button-balance = 💰 Баланс
button-history = 🖼 История
button-transactions = 📒 Движения
button-language = 🌐 Язык
button-help = ❓ Помощь
button-menu = 🏠 Меню
button-back = ⬅️ Назад
button-older = Раньше ➡️
button-newer = ⬅️ Новее
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
button-retry = 🔁 Попробовать ещё
button-resend = { $date } · { $prompt }
button-open-model = { $name } · { $price } · { $time }

## Деньги
balance =
    💰 <b>Можно потратить: { $spendable }</b>

    Свои: { $available }
    Бонус: { $bonus } (тратится первым)
    Отложено на картинки в работе: { $held }
transactions = 📒 <b>Движения счёта</b>
transactions-empty = Движений пока нет.
movement-line = { $date } · <b>{ $amount }</b> · { $what }
movement-welcome = подарок за знакомство
movement-top_up = пополнение
movement-hold = отложено на картинку №{ $generation }
movement-capture = готова картинка №{ $generation }, списано из отложенного
movement-release = вернулось за картинку №{ $generation }
movement-adjustment = поправка поддержки

## Модели
models = 🧠 <b>Модели</b>

    Цена — за одну картинку с обычными настройками.
models-page = 🧠 <b>{ $kind }</b> · { $page }/{ $pages }

    Цена — за одну картинку с обычными настройками.
kind-text-to-image = По описанию
kind-image-any = По описанию, с пониманием фото
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
        [one] { $pictures } картинка
        [few] { $pictures } картинки
       *[many] { $pictures } картинок
    } × { $picture_price } = <b>{ $price }</b>
card-missing = 💳 Не хватает { $missing }: на счёте { $spendable }. Карточка подождёт, пополнить — /topup
card-valid = Цена держится 15 минут.
ask-prompt = ✍️ Напишите, что нарисовать (до { $maximum } знаков).
ask-count = 🔢 Сколько картинок?
ask-style = 🎭 Какой стиль?
ask-choice = ⚙️ <b>{ $name }</b>: выберите.
ask-number = ⚙️ <b>{ $name }</b>: напишите число { $limits }.
ask-text = ⚙️ <b>{ $name }</b>: напишите текст до { $maximum } знаков.
number-between = от { $minimum } до { $maximum }
number-from = от { $minimum }
number-any = любое
value-unset = —
value-on = да
value-off = нет
adjusted = { $name } теперь { $value }: с прежним так не бывает.
quote-unknown = Эта карточка не действует. Вот свежая.
quote-expired = Прошло больше 15 минут, цену посчитал заново. Проверьте и нажмите ещё раз.
already-confirmed = Уже рисую! Второй раз не спишется.
confirmed = Поехали!
model-gone = Этой модели больше нет в продаже. Выберите другую — ничего не списано.
provider-away = Художник сейчас не отвечает. Ничего не списано, попробуйте через пару минут.
not-enough-money = Не хватает { $missing }. Ничего не списано.

## Что не так с введённым
problem-unknown = У этой модели нет такой настройки.
problem-not-a-choice = Так нельзя: выберите кнопкой.
problem-not-a-number = Нужно число { $limits }.
problem-not-whole = Нужно целое число { $limits }.
problem-not-a-switch = Так нельзя: выберите кнопкой.
problem-out-of-range = Нужно число { $limits }.
problem-empty = Пусто. Напишите хотя бы слово.
problem-too-short = Слишком коротко: нужно не меньше { $minimum } знаков.
problem-too-long = Слишком длинно: { $length } знаков, а можно до { $maximum }. Сократите, пожалуйста.
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
    Пробуем 7 дней. Картинка останется в /history
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
failed-refused = Художник отказался от этой просьбы.
failed-invalid = Художник не принял такие настройки. Мы уже знаем.
failed-moderated = Описание не прошло проверку на запрещённое. Попробуйте сказать иначе.
failed-provider = У художника случилась ошибка.
failed-image = Не удалось прочитать исходную картинку.
failed-no-credit = Сейчас мы не можем заказать картинку у художника. Мы уже знаем.
failed-bad-key = Сейчас мы не можем заказать картинку у художника. Мы уже знаем.
failed-unavailable = Эта модель сейчас недоступна. Попробуйте другую.
failed-no-result = Художник ответил, но картинки не прислал.
failed-no-answer = Художник потерял заказ.
failed-deadline = Художник не успел. Если картинка всё же придёт, отдадим её бесплатно.
failed-dry_run = Это пробный запуск: заказы художнику не отправляются.
caption = <b>{ $model }</b> · { $price }
    <i>{ $prompt }</i>
caption-late = 🎁 Эта картинка опоздала, деньги за неё уже вернулись. Дарим!
album-closing = Все картинки здесь. Что дальше?
too-big-links = Файл слишком большой для Telegram, вот ссылка (действует около суток):

## История
history = 🖼 <b>Ваши картинки</b>

    Нажмите, и пришлю ещё раз.
history-empty = Здесь появятся ваши картинки. Первую можно заказать прямо сейчас: напишите, что нарисовать.
resending = Отправляю ещё раз.
sending-files = Отправляю файлом, без сжатия.
not-found = Этого здесь нет.

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
input-seed = Зерно
input-guidance_scale = Следовать описанию
input-num_inference_steps = Шагов
input-acceleration = Ускорение
input-enable_pro = Режим Pro
input-expand_prompt = Дополнять описание
input-prompt_extend = Дополнять описание
input-enhance_prompt = Улучшать описание
input-rendering_speed = Скорость
input-style = Стиль
input-thinking_mode = Обдумывание
value-auto = авто
value-square = квадрат
value-square_hd = квадрат HD
value-portrait_4_3 = портрет 3:4
value-portrait_3_2 = портрет 2:3
value-portrait_16_9 = портрет 9:16
value-landscape_4_3 = пейзаж 4:3
value-landscape_3_2 = пейзаж 3:2
value-landscape_16_9 = пейзаж 16:9
value-landscape_21_9 = пейзаж 21:9
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

## Команды в меню Telegram
command-generate = Создать картинку
command-menu = Меню
command-models = Модели и цены
command-balance = Баланс
command-topup = Пополнить
command-history = Мои картинки
command-transactions = Движения денег
command-language = Язык
command-cancel = Выйти из диалога
command-help = Помощь
command-paysupport = Вопрос об оплате
command-terms = Условия
command-privacy = О данных
