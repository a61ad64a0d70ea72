## Menu and help
welcome =
    👋 <b>Hello, { $name }!</b>

    I draw pictures from words. Write what you want to see: I show the price, and draw it once you say yes.
welcome-gift = 🎁 { $amount } is on your account already, a gift to start with.
menu =
    🏠 <b>Menu</b>

    You can spend: <b>{ $amount }</b>
    Model: { $model }

    Describe a picture, or choose what to do next.
help =
    ❓ <b>How it works</b>

    1. Write what to draw: “a ginger cat in a space suit”.
    2. A card shows the model, the settings and the exact price.
    3. Press “Create”. The money is set aside and taken only for finished pictures: if it fails, it comes back at once.

    /generate — a new picture
    /models — all models and prices
    /balance — your money
    /topup — add money
    /history — my pictures
    /transactions — every movement of money
    /language — language
    /cancel — leave a dialog
    /paysupport — a question about a payment
id-card = Your id: <code>{ $id }</code>
cancelled = All right, cancelled. What shall we do?
nothing-to-cancel = There is nothing to cancel.
running-cannot-cancel =
    { $count ->
        [one] One picture is being drawn: it can't be cancelled. Should it fail, the money comes back by itself.
       *[other] { $count } pictures are being drawn: they can't be cancelled. Should one fail, its money comes back by itself.
    }
banned = This account may not use the bot. If that is a mistake, write to /paysupport.
sorry = 😔 Something went wrong with your last message. We are looking into it, your money is safe. Code: { $code }
old-button = That button was on an old screen. Here is a fresh one.
text-only = I only understand text: describe the picture in words. Drawing from photos comes later.
unknown-command = There is no such command. All I can do is in /help
topup-soon =
    💳 <b>Top-up</b>

    Soon you will be able to add money here with Telegram Stars. It is not open yet, and we take no money.
paysupport =
    🛟 <b>Questions about payments</b>

    Payments are not open yet, so there can be none to ask about. Every movement of your account is in /transactions
terms =
    📄 <b>Terms</b>

    A picture is paid for only when it is made. If it fails, the money comes back at once. Bonus money is spent first and can't be withdrawn. Don't order what the law or Telegram's rules forbid.
privacy =
    🔒 <b>Your data</b>

    We keep your Telegram id, your name, your descriptions and pictures, so that you can get them again. Message texts are erased after 7 days. Descriptions go to KIE.ai, which draws. To nobody else.
pre-checkout-not-open = Top-ups are not open yet. No Stars were taken.

## Buttons
button-generate = 🎨 Create a picture
button-models = 🧠 Models
button-balance = 💰 Balance
button-history = 🖼 History
button-transactions = 📒 Movements
button-language = 🌐 Language
button-help = ❓ Help
button-menu = 🏠 Menu
button-back = ⬅️ Back
button-older = Older ➡️
button-newer = ⬅️ Newer
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
    Set aside for pictures under way: { $held }
transactions = 📒 <b>Movements of your account</b>
transactions-empty = No movements yet.
movement-line = { $date } · <b>{ $amount }</b> · { $what }
movement-welcome = welcome gift
movement-top_up = top-up
movement-hold = set aside for picture { $generation }
movement-capture = picture { $generation } is made, taken from what was set aside
movement-release = came back from picture { $generation }
movement-adjustment = correction by support

## Models
models = 🧠 <b>Models</b>

    The price is for one picture with the usual settings.
models-page = 🧠 <b>{ $kind }</b> · { $page }/{ $pages }

    The price is for one picture with the usual settings.
kind-text-to-image = From a description
kind-image-any = From a description, photo-aware
usual-seconds = ~{ $seconds } s
usual-minutes = ~{ $minutes } min
usual-unknown = 1–3 min

## The card
draft =
    🎨 <b>{ $model }</b> · { $blurb }
    Usually { $time } · { $price } a picture

    ✍️ Now write what to draw.
card =
    🎨 <b>{ $model }</b> · usually { $time }

    <blockquote>{ $prompt }</blockquote>
    { $parameters }
    { $pictures ->
        [one] { $pictures } picture
       *[other] { $pictures } pictures
    } × { $picture_price } = <b>{ $price }</b>
card-missing = 💳 { $missing } is missing: you have { $spendable }. The card will wait, top up with /topup
card-valid = The price holds for 15 minutes.
ask-prompt = ✍️ Write what to draw (up to { $maximum } characters).
ask-count = 🔢 How many pictures?
ask-style = 🎭 Which style?
ask-choice = ⚙️ <b>{ $name }</b>: choose.
ask-number = ⚙️ <b>{ $name }</b>: write a number { $limits }.
ask-text = ⚙️ <b>{ $name }</b>: write up to { $maximum } characters.
number-between = from { $minimum } to { $maximum }
number-from = from { $minimum }
number-any = of any size
value-unset = —
value-on = yes
value-off = no
adjusted = { $name } is now { $value }: the old one does not go with this.
quote-unknown = That card is no longer valid. Here is a fresh one.
quote-expired = More than 15 minutes have passed, so I worked out the price anew. Check it and press again.
already-confirmed = I am drawing already! You are not charged twice.
confirmed = Here we go!
model-gone = That model is no longer sold. Choose another, nothing was charged.
provider-away = The artist does not answer right now. Nothing was charged, try again in a few minutes.
not-enough-money = { $missing } is missing. Nothing was charged.

## What is wrong with an input
problem-unknown = This model has no such setting.
problem-not-a-choice = That is not possible: choose a button.
problem-not-a-number = I need a number { $limits }.
problem-not-whole = I need a whole number { $limits }.
problem-not-a-switch = That is not possible: choose a button.
problem-out-of-range = I need a number { $limits }.
problem-empty = That is empty. Write a word at least.
problem-too-short = Too short: at least { $minimum } characters, please.
problem-too-long = Too long: { $length } characters, and up to { $maximum } are possible. Please shorten it.
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
    We try for 7 days. The picture stays in /history
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
failed-refused = The artist refused this request.
failed-invalid = The artist did not accept these settings. We know already.
failed-moderated = The description did not pass the check for forbidden content. Try other words.
failed-provider = The artist had an error.
failed-image = The source picture could not be read.
failed-no-credit = We can't order from the artist right now. We know already.
failed-bad-key = We can't order from the artist right now. We know already.
failed-unavailable = This model is not available right now. Try another.
failed-no-result = The artist answered, but sent no picture.
failed-no-answer = The artist lost the order.
failed-deadline = The artist was too slow. Should the picture still come, you get it free.
failed-dry_run = This is a trial run: no orders are sent to the artist.
caption = <b>{ $model }</b> · { $price }
    <i>{ $prompt }</i>
caption-late = 🎁 This picture was late and your money is back already. It is a gift!
album-closing = All pictures are here. What next?
too-big-links = The file is too big for Telegram, here is a link (good for about a day):

## History
history = 🖼 <b>Your pictures</b>

    Press one to get it again.
history-empty = Your pictures will be here. Order the first right now: write what to draw.
resending = Sending it again.
sending-files = Sending it as a file, uncompressed.
not-found = That is not here.

## Language
language = 🌐 Choose a language
language-chosen = I speak English now.
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
input-guidance_scale = Prompt strength
input-num_inference_steps = Steps
input-acceleration = Acceleration
input-enable_pro = Pro mode
input-expand_prompt = Expand the prompt
input-prompt_extend = Expand the prompt
input-enhance_prompt = Improve the prompt
input-rendering_speed = Speed
input-style = Style
input-thinking_mode = Thinking
value-auto = auto
value-square = square
value-square_hd = square HD
value-portrait_4_3 = portrait 3:4
value-portrait_3_2 = portrait 2:3
value-portrait_16_9 = portrait 9:16
value-landscape_4_3 = landscape 4:3
value-landscape_3_2 = landscape 3:2
value-landscape_16_9 = landscape 16:9
value-landscape_21_9 = landscape 21:9
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

## Commands in Telegram's menu
command-generate = Create a picture
command-menu = Menu
command-models = Models and prices
command-balance = Balance
command-topup = Add money
command-history = My pictures
command-transactions = Movements of money
command-language = Language
command-cancel = Leave a dialog
command-help = Help
command-paysupport = A question about a payment
command-terms = Terms
command-privacy = Your data
