//! What scripts do with lists by closures and by comparing: the engine's own functions lose the errors of
//! closures, take what is no Boolean for false, and compare scalars by calling functions.

use std::cmp::Ordering;

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, ImmutableString, Map, Module, NativeCallContext};

use super::closures::Closure;
use super::function;
use crate::error::{Error, Kind};
use crate::script::limits;
use crate::script::value::{ScriptResult, throw};
use crate::script::words::shown;

type Context<'a> = NativeCallContext<'a>;

/// Registers them.
pub(super) fn register(module: &mut Module) {
    register_elements(module);
    register_search(module);
    register_folds(module);
    register_order(module);
    register_of_maps(module);
}

/// Puts a function of an array and a closure into the module.
macro_rules! with_closure {
    ($module:ident, $name:literal, $result:literal, $help:literal, |$list:ident, $closure:ident| $body:expr) => {
        function($name, &["list: array", "closure: Fn", $result], $help).set_into_module(
            $module,
            |context: Context<'_>, $list: &mut Array, body: FnPtr| {
                let $closure = Closure::new(&context, body, $name);
                $body
            },
        );
        // A function may be given by its name alone.
        function($name, &["list: array", "function: string", $result], $help).set_into_module(
            $module,
            |context: Context<'_>, $list: &mut Array, named: ImmutableString| {
                let $closure = Closure::new(&context, FnPtr::new(named)?, $name);
                $body
            },
        );
    };
}

fn register_elements(module: &mut Module) {
    with_closure!(module, "map", "array", "What the closure makes of each element.", |list, closure| {
        elements(list).map(|(n, mut element)| closure.of_element(&mut element, n)).collect::<ScriptResult<Array>>()
    });
    with_closure!(
        module,
        "for_each",
        "()",
        "Runs the closure for each element; as `this` it can be changed.",
        |list, closure| {
            list.iter_mut().zip(0i64..).try_for_each(|(element, n)| closure.of_element(element, n).map(drop))
        }
    );
    with_closure!(module, "filter", "array", "The elements for which the closure gives true.", |list, closure| {
        parted(list, &closure).map(|(kept, _)| kept)
    });
    with_closure!(
        module,
        "retain",
        "array",
        "Keeps the elements for which the closure gives true; gives the others.",
        |list, closure| {
            let (kept, others) = parted(list, &closure)?;
            *list = kept;
            Ok::<_, Box<EvalAltResult>>(others)
        }
    );
    with_closure!(
        module,
        "drain",
        "array",
        "Takes out and gives the elements for which the closure gives true.",
        |list, closure| {
            let (taken, others) = parted(list, &closure)?;
            *list = others;
            Ok::<_, Box<EvalAltResult>>(taken)
        }
    );
    with_closure!(
        module,
        "dedup",
        "()",
        "Removes each element that the closure calls equal to the one before it.",
        |list, closure| {
            let mut left = Array::with_capacity(list.len());
            for element in list.iter() {
                let repeats = match left.last() {
                    Some(last) => closure.is(&closure.of_values([Dynamic::clone(last), element.clone()], &[])?)?,
                    None => false,
                };
                if !repeats {
                    left.push(element.clone());
                }
            }
            *list = left;
            Ok::<_, Box<EvalAltResult>>(())
        }
    );
}

fn elements(list: &Array) -> impl Iterator<Item = (i64, Dynamic)> {
    (0..).zip(list.iter().cloned())
}

/// The elements for which the closure gives true, and the others. It is asked once for each.
fn parted(list: &Array, closure: &Closure<'_>) -> ScriptResult<(Array, Array)> {
    let (mut held, mut others) = (Array::new(), Array::new());
    for (n, mut element) in elements(list) {
        let half = if closure.holds(&mut element, n)? { &mut held } else { &mut others };
        half.push(element);
    }
    Ok((held, others))
}

fn register_search(module: &mut Module) {
    with_closure!(module, "some", "bool", "Whether the closure gives true for any element.", |list, closure| {
        position(list, 0, |element, n| closure.holds(element, n)).map(|at| at.is_some())
    });
    with_closure!(module, "all", "bool", "Whether the closure gives true for every element.", |list, closure| {
        position(list, 0, |element, n| Ok(!closure.holds(element, n)?)).map(|at| at.is_none())
    });
    with_closure!(
        module,
        "find",
        "any",
        "The first element for which the closure gives true, or ().",
        |list, closure| {
            let at = position(list, 0, |element, n| closure.holds(element, n))?;
            Ok::<_, Box<EvalAltResult>>(at.and_then(|n| list.get(n).cloned()).unwrap_or(Dynamic::UNIT))
        }
    );
    with_closure!(
        module,
        "find_map",
        "any",
        "The first value other than () that the closure gives for an element, or ().",
        |list, closure| {
            for (n, mut element) in elements(list) {
                let value = closure.of_element(&mut element, n)?;
                if !value.is_unit() {
                    return Ok(value);
                }
            }
            Ok::<_, Box<EvalAltResult>>(Dynamic::UNIT)
        }
    );
    const INDEX_OF_HELD: &str = "The index of the first element for which the closure gives true, or -1.";
    function("index_of", &["list: array", "closure: Fn", "int"], INDEX_OF_HELD).set_into_module(
        module,
        |context: Context<'_>, list: &mut Array, body: FnPtr| {
            let closure = Closure::new(&context, body, "index_of");
            position(list, 0, |element, n| closure.holds(element, n)).map(index)
        },
    );
    const CONTAINS: &str = "Whether an element equals this value; `value in list` asks the same.";
    function("contains", &["list: array", "value: any", "bool"], CONTAINS).set_into_module(
        module,
        |context: Context<'_>, list: &mut Array, value: Dynamic| {
            position(list, 0, |element, _| same(&context, element, &value)).map(|at| at.is_some())
        },
    );
    const INDEX_OF: &str = "The index of the first element that equals this value, or -1; from an index on.";
    function("index_of", &["list: array", "value: any", "int"], INDEX_OF).set_into_module(
        module,
        |context: Context<'_>, list: &mut Array, value: Dynamic| {
            position(list, 0, |element, _| same(&context, element, &value)).map(index)
        },
    );
    function("index_of", &["list: array", "value: any", "from: int", "int"], INDEX_OF).set_into_module(
        module,
        |context: Context<'_>, list: &mut Array, value: Dynamic, from: i64| {
            let from = from_index(list, from);
            match value.clone().try_cast::<FnPtr>() {
                Some(body) => {
                    let closure = Closure::new(&context, body, "index_of");
                    position(list, from, |element, n| closure.holds(element, n)).map(index)
                }
                None => position(list, from, |element, _| same(&context, element, &value)).map(index),
            }
        },
    );
}

fn position(
    list: &mut Array,
    from: usize,
    mut is_it: impl FnMut(&mut Dynamic, i64) -> ScriptResult<bool>,
) -> ScriptResult<Option<usize>> {
    for (n, element) in list.iter_mut().enumerate().skip(from) {
        if is_it(element, n as i64)? {
            return Ok(Some(n));
        }
    }
    Ok(None)
}

fn index(at: Option<usize>) -> i64 {
    at.map_or(-1, |n| n as i64)
}

/// An index as scripts count: from the end when it is negative.
fn from_index(list: &Array, from: i64) -> usize {
    let from = if from < 0 { from.saturating_add(list.len() as i64) } else { from };
    usize::try_from(from).unwrap_or(0)
}

/// Whether two values are equal; of scalars the engine is not asked.
pub(super) fn same(context: &Context<'_>, one: &mut Dynamic, other: &Dynamic) -> ScriptResult<bool> {
    if let (Ok(one), Ok(other)) = (one.as_int(), other.as_int()) {
        return Ok(one == other);
    }
    if let (Ok(one), Ok(other)) = (one.as_immutable_string_ref(), other.as_immutable_string_ref()) {
        return Ok(*one == *other);
    }
    if let (Ok(one), Ok(other)) = (one.as_bool(), other.as_bool()) {
        return Ok(one == other);
    }
    if one.is_unit() || other.is_unit() {
        return Ok(one.is_unit() && other.is_unit());
    }
    limits::equal(context, one, &mut other.clone(), 0)
}

fn register_folds(module: &mut Module) {
    for (name, backwards) in [("reduce", false), ("reduce_rev", true)] {
        const HELP: &str = "Goes through the elements with what the closure gave for those before: |so_far, element|.";
        let fold = move |context: &Context<'_>, list: &mut Array, body: FnPtr, start: Dynamic| -> ScriptResult {
            let closure = Closure::new(context, body, if backwards { "reduce_rev" } else { "reduce" });
            let mut so_far = start;
            let mut step = |(n, element): (i64, &Dynamic)| -> ScriptResult<()> {
                so_far = closure.of_values([std::mem::take(&mut so_far), element.clone()], &[n.into()])?;
                Ok(())
            };
            let mut elements = (0..).zip(list.iter()).collect::<Vec<_>>();
            if backwards {
                elements.reverse();
            }
            elements.into_iter().try_for_each(&mut step)?;
            Ok(so_far)
        };
        function(name, &["list: array", "closure: Fn", "any"], HELP)
            .set_into_module(module, move |context: Context<'_>, list: &mut Array, body: FnPtr| {
                fold(&context, list, body, Dynamic::UNIT)
            });
        function(name, &["list: array", "closure: Fn", "start: any", "any"], HELP).set_into_module(
            module,
            move |context: Context<'_>, list: &mut Array, body: FnPtr, start: Dynamic| {
                // A closure as the start is called for it, as the engine does.
                let start = match start.clone().try_cast::<FnPtr>() {
                    Some(make) => make.call_raw(&context, None, [])?,
                    None => start,
                };
                fold(&context, list, body, start)
            },
        );
    }
}

fn register_order(module: &mut Module) {
    const SORT: &str = "Sorts in place: numbers, texts and the like by themselves, others by |a, b| a - b or a < b.";
    const ORDER: &str = "A sorted copy; what `sort` does in place.";
    for name in ["sort", "sort_by"] {
        function(name, &["list: array", "closure: Fn", "()"], SORT).set_into_module(
            module,
            |context: Context<'_>, list: &mut Array, body: FnPtr| {
                let closure = Closure::new(&context, body, "sort");
                sort(list, &mut |one, other| closure.precedes(one, other))
            },
        );
    }
    for name in ["order", "order_by"] {
        function(name, &["list: array", "closure: Fn", "array"], ORDER).set_into_module(
            module,
            |context: Context<'_>, list: &mut Array, body: FnPtr| {
                let closure = Closure::new(&context, body, "order");
                let mut list = list.clone();
                sort(&mut list, &mut |one, other| closure.precedes(one, other)).map(|()| list)
            },
        );
    }
    for (name, copy, descending) in [("sort", "order", false), ("sort_desc", "order_desc", true)] {
        let naturally = move |list: &mut Array| {
            sort(list, &mut |one, other| match natural(one, other)? {
                Ordering::Less => Ok(!descending),
                Ordering::Greater => Ok(descending),
                Ordering::Equal => Ok(false),
            })
        };
        function(name, &["list: array", "()"], SORT).set_into_module(module, naturally);
        function(copy, &["list: array", "array"], ORDER).set_into_module(module, move |list: &mut Array| {
            let mut list = list.clone();
            naturally(&mut list).map(|()| list)
        });
    }
}

/// The order of two values that have one.
fn natural(one: &Dynamic, other: &Dynamic) -> ScriptResult<Ordering> {
    let number = |value: &Dynamic| value.as_float().or_else(|_| value.as_int().map(|n| n as f64)).ok();
    let order = if let (Ok(one), Ok(other)) = (one.as_int(), other.as_int()) {
        Some(one.cmp(&other))
    } else if let (Ok(one), Ok(other)) = (one.as_immutable_string_ref(), other.as_immutable_string_ref()) {
        Some(one.as_str().cmp(other.as_str()))
    } else if let (Some(one), Some(other)) = (number(one), number(other)) {
        one.partial_cmp(&other)
    } else if let (Ok(one), Ok(other)) = (one.as_char(), other.as_char()) {
        Some(one.cmp(&other))
    } else if let (Ok(one), Ok(other)) = (one.as_bool(), other.as_bool()) {
        Some(one.cmp(&other))
    } else if one.is_unit() && other.is_unit() {
        Some(Ordering::Equal)
    } else {
        None
    };
    order.ok_or_else(|| {
        let message = format!("{} and {} have no order to sort by", shown(one), shown(other));
        throw(
            Error::new(Kind::Script, message)
                .hint("give sort a closure that says which comes first: |a, b| a.Name < b.Name"),
        )
    })
}

/// Sorts, equals staying in their order; a list is as it was when the order fails.
fn sort(list: &mut Array, precedes: &mut dyn FnMut(&Dynamic, &Dynamic) -> ScriptResult<bool>) -> ScriptResult<()> {
    let order = {
        let elements: Vec<&Dynamic> = list.iter().collect();
        merged((0..elements.len()).collect(), &mut |one, other| match (elements.get(one), elements.get(other)) {
            (Some(one), Some(other)) => precedes(one, other),
            _ => Ok(false),
        })?
    };
    let mut elements: Vec<Option<Dynamic>> = std::mem::take(list).into_iter().map(Some).collect();
    list.extend(order.into_iter().filter_map(|n| elements.get_mut(n)?.take()));
    Ok(())
}

/// A merge sort, which whatever the closure says cannot confuse.
pub(super) fn merged(
    mut left: Vec<usize>,
    precedes: &mut dyn FnMut(usize, usize) -> ScriptResult<bool>,
) -> ScriptResult<Vec<usize>> {
    if left.len() < 2 {
        return Ok(left);
    }
    let right = left.split_off(left.len() / 2);
    let (left, right) = (merged(left, precedes)?, merged(right, precedes)?);
    let mut all = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        let next = if precedes(*other, *one)? { right.next() } else { left.next() };
        all.extend(next);
    }
    all.extend(left.chain(right));
    Ok(all)
}

fn register_of_maps(module: &mut Module) {
    type Keep = fn(&mut Map, Map, Map) -> Map;
    let table: [(&'static str, &str, Keep); 3] = [
        ("filter", "The fields for which the closure, |key, value|, gives true.", |_, held, _| held),
        (
            "drain",
            "Takes out and gives the fields for which the closure, |key, value|, gives true.",
            |map, held, others| {
                *map = others;
                held
            },
        ),
        (
            "retain",
            "Keeps the fields for which the closure, |key, value|, gives true; gives the others.",
            |map, held, others| {
                *map = held;
                others
            },
        ),
    ];
    for (name, help, keep) in table {
        function(name, &["map: map", "closure: Fn", "map"], help).set_into_module(
            module,
            move |context: Context<'_>, map: &mut Map, body: FnPtr| -> ScriptResult<Map> {
                let closure = Closure::new(&context, body, name);
                let (mut held, mut others) = (Map::new(), Map::new());
                for (key, value) in map.iter() {
                    let said = closure.of_field(key, value)?;
                    let holds = said.as_bool().map_err(|_| {
                        let message = format!("the closure of {name} gives true or false, not {}", shown(&said));
                        throw(Error::new(Kind::Script, message))
                    })?;
                    if holds { &mut held } else { &mut others }.insert(key.clone(), value.clone());
                }
                Ok(keep(map, held, others))
            },
        );
    }
}
