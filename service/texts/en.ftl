## Menu and help
welcome =
    👋 <b>Hello, { $name }!</b>

    I turn words into pictures. Tell me what you would like to see, for example: “a ginger cat in a space suit, watercolor”.

    You will see the exact price first; I start drawing once you agree.
stranger = stranger
welcome-gift = 🎁 { $amount } is already on your account: a gift to get you started.
menu =
    🏠 <b>Menu</b>

    You can spend: <b>{ $amount }</b>
    Model: { $model }

    Tell me what to draw, or press a button.
help =
    ❓ <b>How it works</b>

    1. Write what to draw: “a ginger cat in a space suit”.
    2. A card shows the model, the settings and the exact price.
    3. Press “Create”. The money is set aside and taken only for finished pictures. If one fails, its money comes back at once.

    /generate — a new picture
    /menu — menu
    /models — all models and prices
    /balance — your money
    /topup — top up
    /history — my pictures
    /transactions — everything that moved on your account
    /language — language
    /cancel — cancel what you have begun
    /paysupport — help with payments
    /terms — terms
    /privacy — your data
    /id — your id, for support
id-card = Your id: <code>{ $id }</code>
cancelled = All right, left as it was. What next?
card-put-away = All right, I put the card away. Nothing was charged. What next?
nothing-to-cancel = There is nothing to cancel.
running-cannot-cancel =
    { $count ->
        [1] A confirmed order is already under way and can't be cancelled. If it fails, the money comes back by itself.
       *[other] { $count } confirmed orders are already under way and can't be cancelled. If one fails, its money comes back by itself.
    }
banned = Your access to this bot is closed. Terms: /terms, payments: /paysupport
sorry = 😔 I could not deal with your message. We are looking into it, and your money is safe. Code: { $code }
old-button = That button is out of date. Here is a fresh screen.
text-only = I only understand text so far: describe the picture in words. Drawing from photos comes later.
unknown-command = I don't know that command. Everything I can do is in /help
admin-soon = The operator's panel is still being built.
topup-soon =
    💳 <b>Top-up</b>

    Soon you will be able to top up with Telegram Stars here. Top-ups are not open yet, and we take no money.
paysupport =
    🛟 <b>Questions about payments</b>

    Payments are not open yet: we take no money so far. Everything that moved on your account is in /transactions
terms =
    📄 <b>Terms</b>

    You pay for finished pictures only. If one fails, its money returns to your account at once. Bonus money is spent first and can't be withdrawn. Please don't order what the law or Telegram's rules forbid.
privacy =
    🔒 <b>Your data</b>

    We keep your Telegram id, name, descriptions and pictures, so that you can get them again. The messages themselves are erased after 7 days. Descriptions go to KIE.ai, which does the drawing, and to nobody else.
pre-checkout-not-open = Top-ups are not open yet. No Stars were taken.

## Buttons
button-generate = 🎨 Create a picture
button-models = 🧠 Models
button-balance = 💰 Balance
button-history = 🖼 History
button-transactions = 📒 Transactions
button-language = 🌐 Language
button-help = ❓ Help
button-menu = 🏠 Menu
button-back = ⬅️ Back
button-card = ⬅️ To the card
button-older = Older ➡️
button-newest = ⬅️ Newest
button-cheaper = ⬅️ Cheaper
button-dearer = Pricier ➡️
button-topup = 💳 Top up
button-confirm = ✅ Create for { $price }
button-model = 🧠 { $model }
button-prompt = ✏️ Description
button-count = 🔢 Pictures: { $count }
button-style = 🎭 { $style }
button-parameter = { $name }: { $value }
button-leave = Let the model decide
button-again = 🔁 Again
button-files = 📄 As a file
button-retry = 🔁 Try again
button-resend = { $date } · { $prompt }
button-open-model = { $name } · { $price } · { $time }

## Money
balance =
    💰 <b>You can spend: { $spendable }</b>

    Your own: { $available }
    Bonus: { $bonus } (spent first)
    Set aside for orders under way: { $held }
transactions = 📒 <b>Transactions</b> (times in UTC)
transactions-empty = No transactions yet.
movement-line = { $date } · <b>{ $amount }</b> · { $what }
movement-welcome = welcome gift
movement-top_up = top-up
movement-hold = set aside for order { $generation }
movement-capture = order { $generation } is ready, taken from what was set aside
movement-release = came back from order { $generation }
movement-adjustment = correction by support

## Models
models = 🧠 <b>Models</b>

    Which ones shall I show?
models-page = 🧠 <b>{ $kind }</b> · { $page }/{ $pages }

    The price is for one picture with the usual settings, the time is the usual one. Cheapest first.
kind-text-to-image = From words
kind-image-any = All-round (photos come later)
usual-seconds = ~{ $seconds } s
usual-minutes = ~{ $minutes } min
usual-unknown = 1–3 min

## The card
draft =
    🎨 <b>{ $model }</b> · { $blurb }
    Usually { $time } · { $price } per picture

    ✍️ Now tell me what to draw.
card =
    🎨 <b>{ $model }</b> · usually { $time }

    <blockquote>{ $prompt }</blockquote>
    { $parameters }
    { $pictures ->
        [1] 1 picture: <b>{ $price }</b>
       *[other] { $pictures } pictures × { $picture_price } = <b>{ $price }</b>
    }
card-missing = 💳 You are { $missing } short: you have { $spendable }. Top up, the card will wait.
card-valid = You have { $spendable }. The price holds for 15 minutes.
ask-prompt = ✍️ Tell me what to draw (up to { $maximum } characters).
prompt-now =
    It is now (touch to copy):
    <code>{ $prompt }</code>
ask-count = 🔢 How many pictures?
ask-style = 🎭 Which style?
ask-choice = ⚙️ <b>{ $name }</b>: press a button.
ask-number = ⚙️ <b>{ $name }</b>: send a number { $limits }.
ask-text = ⚙️ <b>{ $name }</b>: send a text (up to { $maximum } characters).
number-between = from { $minimum } to { $maximum }
number-from = from { $minimum }
number-any = of any size
value-unset = —
value-on = yes
value-off = no
adjusted = “{ $name }” is now { $value }: the old value does not go with your choice.
quote-unknown = That card is not valid. Nothing was charged.
quote-expired = More than 15 minutes have passed, so I worked out the price again. Check it and press once more. Nothing was charged.
already-confirmed = This order is already placed. You are not charged twice.
confirmed = Here we go!
model-gone = That model is no longer on sale. Choose another. Nothing was charged.
provider-away = The artist is not answering right now. Nothing was charged; try again in a few minutes.
not-enough-money = You are { $missing } short. Nothing was charged, the card will wait.

## What is wrong with an input
problem-unknown = This model has no such setting.
problem-not-a-choice = There is no such option: press a button.
problem-not-a-number = I need a number { $limits }.
problem-not-whole = I need a whole number { $limits }.
problem-not-a-switch = It can only be “yes” or “no”.
problem-out-of-range = I need a number { $limits }.
problem-empty = That is empty. Send at least a word (up to { $maximum } characters).
problem-too-short = Too short: at least { $minimum } characters, please.
problem-too-long = Too long: { $length } characters, and the limit is { $maximum }. Please shorten it.
try-another-model = Or pick another model: I keep the text.
problem-forbidden = These settings don't go together.

## Progress
status-pending =
    ⏳ <b>In the queue</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
    Usually { $time }. { $price } set aside.
status-processing =
    🎨 <b>Drawing…</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
    Usually { $time }. { $price } set aside.
status-part = { $done } of { $all } ready.
status-sending =
    ✨ <b>Ready, sending…</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
status-stuck =
    ✨ <b>Ready, but it can't be delivered yet</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
    I keep trying for 7 days. The picture is already in /history
status-undelivered =
    ✨ <b>Ready, but it could not be delivered</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
    Open /history and press it: we will try again.
status-done =
    ✅ <b>Done</b> · { $model } · { $price }
    <blockquote>{ $prompt }</blockquote>
status-returned = { $returned } came back to your account: { $missing ->
        [one] { $missing } picture failed
       *[other] { $missing } pictures failed
    }.
status-failed =
    ❌ <b>That did not work</b> · { $model }
    <blockquote>{ $prompt }</blockquote>
    { $reason }
    { $returned } came back to your account.
failed-refused = The artist refused to draw this. Try other words.
failed-invalid = The artist did not accept these settings. We are looking into it.
failed-moderated = The description did not pass the content check. Try other words.
failed-provider = Something broke on the artist's side. Try again.
failed-image = The source picture could not be read.
failed-no-credit = Pictures can't be ordered right now: the trouble is on our side, and we are mending it.
failed-bad-key = Pictures can't be ordered right now: the trouble is on our side, and we are mending it.
failed-unavailable = This model is not available right now. Try another.
failed-no-result = The artist answered, but sent no picture. Try again.
failed-no-answer = The artist lost the order. Try again.
failed-deadline = The artist was too slow. If the picture still comes, you get it for free.
failed-dry_run = This is a trial run: no orders are sent to the artist.
caption = <b>{ $model }</b> · { $price }
    <i>{ $prompt }</i>
caption-late = 🎁 This picture was late, and your money is already back. Take it as a gift!
album-closing = That is all of them. What next?
too-big-links = The file is too big for Telegram, so here is a link (good for about a day):

## History
history = 🖼 <b>Your pictures</b>

    Press any of them and I send it again.
history-empty = Your pictures will appear here. Order the first one right now: tell me what to draw.
resending = Sending it again.
sending-files = Sending it as a file, uncompressed.
not-found = You have no such picture.

## Language
language = 🌐 Choose a language
language-chosen = We speak English now.
language-ru = 🇷🇺 Русский
language-en = 🇬🇧 English

## Names of settings
input-aspect_ratio = Shape
input-image_size = Shape
input-size = Size
input-resolution = Resolution
input-image_resolution = Resolution
input-quality = Quality
input-output_format = File type
input-background = Background
input-negative_prompt = Avoid
input-seed = Seed
input-guidance_scale = Precision
input-num_inference_steps = Steps
input-acceleration = Acceleration
input-enable_pro = Pro mode
input-expand_prompt = Expand text
input-prompt_extend = Expand text
input-enhance_prompt = Improve text
input-rendering_speed = Speed
input-style = Style
input-thinking_mode = Thinking
value-auto = auto
value-square = 1:1
value-square_hd = 1:1 HD
value-portrait_4_3 = 3:4
value-portrait_3_2 = 2:3
value-portrait_16_9 = 9:16
value-landscape_4_3 = 4:3
value-landscape_3_2 = 3:2
value-landscape_16_9 = 16:9
value-landscape_21_9 = 21:9
value-basic = basic
value-high = high
value-ultra = ultra
value-medium = medium
value-transparent = transparent
value-opaque = opaque
value-none = none
value-regular = regular
value-turbo = turbo
value-balanced = balanced
value-quality = quality
value-general = general
value-realistic = realistic
value-design = design

## Notes on settings
hint-seed = The same seed with the same description gives a similar picture. Not sure? Let the model decide.
hint-guidance_scale = Higher keeps closer to the description, lower leaves more to imagination.
hint-num_inference_steps = More steps: finer, but slower.
hint-negative_prompt = For example: “text, blur, extra fingers”.
hint-acceleration = The more acceleration, the faster and the rougher.
hint-rendering_speed = Quality and price depend on it.
hint-resolution = The price may depend on it: see the card.
hint-quality = The price may depend on it: see the card.

## Commands in Telegram's menu
command-generate = Create a picture
command-menu = Menu
command-models = Models and prices
command-balance = Balance
command-topup = Top up
command-history = My pictures
command-transactions = Transactions
command-language = Language
command-cancel = Cancel what you have begun
command-help = Help
command-paysupport = Help with payments
command-terms = Terms
command-privacy = Your data
