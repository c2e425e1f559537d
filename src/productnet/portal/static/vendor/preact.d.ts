// What preact.js exports, typed by the packages it was made from (npm install; development only).
export { h, render, Fragment, createContext, createRef, options } from "preact";
export type { ComponentChildren, ComponentType, RefObject, VNode } from "preact";
export {
  useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from "preact/hooks";
export {
  batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect,
} from "@preact/signals";
export type { ReadonlySignal, Signal } from "@preact/signals";
import type { VNode } from "preact";
export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;
