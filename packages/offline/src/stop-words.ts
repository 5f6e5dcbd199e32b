/** Function words and question words of Russian and English: in every text, so they tell nothing about one. */
const FUNCTION_WORDS = `
а без более бы был была были было быть в вам вас ваш весь во вот все всего всех вы где да даже для до его ее ей ему если
есть еще же за зачем здесь и из или им ими их к как какая какие каким каких какого какое какой каком какому какую когда
кого кому который которая которое которые кто куда ли либо лучше мне много мной может можно мой моя мы на над надо нам
нас наш не него нее ней нет ни никогда ним них но ну о об однако он она они оно от откуда очень по под после потом потому
почему при про раз с сам свой своего своей своих свою себе себя сейчас сколько со так также такой там тебе тебя тем то
тогда того тоже той только том тот ты у уже хоть чего чей чем через что чтобы чье чья эта эти это этого этой этом этот я

a about after all also am an and any are as at be because been before being but by can could did do does doing for from
had has have he her hers him his how i if in into is it its just may me might more most my no not of off on once only or
other our out over own shall she should so some such than that the their them then there these they this those to too
under until up very was we were what when where which while who whom whose why will with would you your
`;

/** Whom nearly every memory is about: told apart from a missing subject, but hardly. */
const SUBJECT_WORDS = `
пользователь пользователя пользователю пользователем пользователе пользователи пользователей user users
`;

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/u).filter((word) => word !== ""));

export const STOP_WORDS = words(FUNCTION_WORDS);
export const SUBJECTS = words(SUBJECT_WORDS);
